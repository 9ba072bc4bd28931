// SPDX-License-Identifier: GPL-2.0-only
// The size of ring and perf buffers, whatever the C says.
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kernel/object_private.h"

static bool is_buffer(const struct ebs_map *map)
{
	return map->type == BPF_MAP_TYPE_RINGBUF || map->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
}

static uint32_t round_up(uint32_t bytes)
{
	uint64_t size = sysconf(_SC_PAGESIZE);

	while (size < bytes)
		size *= 2;
	return (uint32_t)size;
}

static int set_size(struct ebs_object *object, struct ebs_map *map, uint32_t bytes,
		    struct ebs_error *error)
{
	uint32_t size = round_up(bytes);
	struct bpf_map *handle = bpf_object__find_map_by_name(object->handle, map->name);
	int result = 0;

	if (map->given && map->type == BPF_MAP_TYPE_RINGBUF)
		return ebs_error_set(error, "EINVAL",
				     "buffer_size: map \"%s\" is given by option 'maps', so its "
				     "size is set where it is made",
				     map->name);
	map->buffer_size = size;
	if (map->type == BPF_MAP_TYPE_RINGBUF)
		result = bpf_map__set_max_entries(handle, size);
	return result ? ebs_error_errno(error, result,
					"can't make the buffer \"%s\" %u bytes large", map->name,
					size)
		      : 0;
}

static int refuse(const struct ebs_object *object, const char *name, struct ebs_error *error)
{
	struct ebs_buffer names = { 0 };

	for (size_t i = 0; i < object->map_count; i++)
		if (is_buffer(&object->maps[i]))
			ebs_buffer_printf(&names, "%s%s", names.size ? ", " : "",
					  object->maps[i].name);
	int result = ebs_error_set(error, "EINVAL",
				   "buffer_size: there is no buffer \"%s\": ring and perf buffers "
				   "of this C are: %s",
				   name, names.size ? names.data : "none");
	ebs_buffer_free(&names);
	return result;
}

int ebs_object_set_buffer_size(struct ebs_object *object, const char *name, uint32_t bytes,
			       struct ebs_error *error)
{
	bool found = !name;
	int result = 0;

	for (size_t i = 0; i < object->map_count && !result; i++) {
		struct ebs_map *map = &object->maps[i];

		if (!is_buffer(map) || (name && strcmp(map->name, name)) || (!name && map->given))
			continue;
		found = true;
		result = set_size(object, map, bytes, error);
	}
	return found ? result : refuse(object, name, error);
}
