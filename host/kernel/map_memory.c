// SPDX-License-Identifier: GPL-2.0-only
// Arrays in memory that the kernel shares with us.
#include "kernel/map_memory.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/object_private.h"

static struct ebs_memory *map_values(const struct ebs_map *map)
{
	struct ebs_memory *memory = calloc(1, sizeof(*memory));
	size_t page = sysconf(_SC_PAGESIZE);

	if (!memory)
		return NULL;
	memory->references = 1;
	memory->stride = ((size_t)map->value_size + 7) / 8 * 8;
	memory->size = (memory->stride * map->max_entries + page - 1) / page * page;
	// A mapping that can't be written to doesn't stop the map from being frozen.
	void *data = mmap(NULL, memory->size, PROT_READ, MAP_SHARED, map->fd, 0);
	if (data == MAP_FAILED) {
		free(memory);
		return NULL;
	}
	memory->data = data;
	return memory;
}

struct ebs_memory *ebs_map_memory(struct ebs_map *map)
{
	if (!map->memory_tried && map->type == BPF_MAP_TYPE_ARRAY && map->fd >= 0) {
		map->memory_tried = true;
		map->memory = map_values(map);
	}
	return map->memory;
}

struct ebs_memory *ebs_memory_share(struct ebs_memory *memory)
{
	memory->references++;
	return memory;
}

void ebs_memory_release(struct ebs_memory *memory)
{
	if (!memory || --memory->references)
		return;
	munmap((void *)(uintptr_t)memory->data, memory->size);
	free(memory);
}

void ebs_map_memory_forget(struct ebs_map *map)
{
	ebs_memory_release(map->memory);
	map->memory = NULL;
	map->memory_tried = false;
}

// Whether the kernel is new enough: Linux 5.5.
static bool kernel_shares_arrays(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	static int shares = -1;

	if (shares < 0) {
		int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ebs_probe", 4, 8, 1, &options);

		if (fd >= 0 || errno == EINVAL) // else it doesn't answer the question
			shares = fd >= 0;
		if (fd >= 0)
			close(fd);
	}
	return shares > 0;
}

// A map of maps compares the flags of what is put into it with those of its inner definition.
static bool may_be_inner(struct ebs_object *object, struct bpf_map *map)
{
	struct bpf_map *outer;

	bpf_object__for_each_map (outer, object->handle) {
		struct bpf_map *inner = bpf_map__inner_map(outer);

		if (inner && bpf_map__type(inner) == bpf_map__type(map) &&
		    bpf_map__value_size(inner) == bpf_map__value_size(map))
			return true;
	}
	return false;
}

static bool wants_memory(struct ebs_object *object, struct bpf_map *map)
{
	enum ebs_globals_kind kind;

	// libbpf sets the flag for variables, unless all of a section are static.
	if (bpf_map__is_internal(map))
		return ebs_globals_section(map, &kind) && kind == EBS_GLOBALS_VARIABLE;
	// Whoever shares a pinned map compares the flags, too.
	return bpf_map__type(map) == BPF_MAP_TYPE_ARRAY && !bpf_map__pin_path(map) &&
	       !may_be_inner(object, map);
}

void ebs_map_memory_prepare(struct ebs_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, object->handle) {
		uint32_t flags = bpf_map__map_flags(map);

		if (!(flags & (BPF_F_MMAPABLE | BPF_F_INNER_MAP)) && wants_memory(object, map) &&
		    kernel_shares_arrays())
			bpf_map__set_map_flags(map, flags | BPF_F_MMAPABLE);
	}
}
