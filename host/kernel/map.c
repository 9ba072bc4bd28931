// SPDX-License-Identifier: GPL-2.0-only
// Single entries of BPF maps.
#include "kernel/map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "kernel/map_memory.h"

const char *ebs_map_type_name(const struct ebs_map *map)
{
	return map->kind->name;
}

int ebs_map_get(struct ebs_map *map, const void *key, void *value, struct ebs_error *error)
{
	const struct ebs_memory *memory = ebs_map_memory(map);
	uint32_t index;

	if (memory) {
		memcpy(&index, key, sizeof(index));
		if (index >= map->max_entries)
			return 0;
		memcpy(value, memory->data + index * memory->stride, map->value_size);
		return 1;
	}
	if (!bpf_map_lookup_elem(map->fd, key, value))
		return 1;
	if (errno == ENOENT)
		return 0;
	return ebs_error_errno(error, errno, "can't read map \"%s\"", map->name);
}

int ebs_map_set(const struct ebs_map *map, const void *key, const void *value, uint64_t flags,
		struct ebs_error *error)
{
	if (!bpf_map_update_elem(map->fd, key, value, flags))
		return 0;
	if (errno == E2BIG)
		return ebs_error_explain(
			error, errno,
			"can't set an entry of map \"%s\": it holds %u entries at most", map->name,
			map->max_entries);
	return ebs_error_errno(error, errno, "can't set an entry of map \"%s\"", map->name);
}

int ebs_map_delete(const struct ebs_map *map, const void *key, struct ebs_error *error)
{
	if (!bpf_map_delete_elem(map->fd, key))
		return 1;
	if (errno == ENOENT)
		return 0;
	return ebs_error_errno(error, errno, "can't delete an entry of map \"%s\" (%s)", map->name,
			       ebs_map_type_name(map));
}
