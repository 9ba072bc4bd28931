// SPDX-License-Identifier: GPL-2.0-only
// How much objects and maps hold.
#include "kernel/weight.h"

#include <bpf/libbpf.h>

#include "kernel/object_private.h"

#define MAP_BYTES     4096        // of an empty map, here and in the kernel
#define PROGRAM_BYTES (32 * 1024) // of a small program: instructions, what the JIT makes, lines
#define ENTRY_BYTES   48          // of a hash map's entry beside key and value

// Entries that the kernel allocates when it makes the map. Others come one by one.
static uint64_t entry_bytes(const struct ebs_map *map)
{
	uint64_t bytes = map->key_size + ENTRY_BYTES + ebs_map_value_bytes(map);

	if (map->type == BPF_MAP_TYPE_RINGBUF || map->type == BPF_MAP_TYPE_USER_RINGBUF)
		return map->max_entries;
	return map->flags & BPF_F_NO_PREALLOC ? 0 : bytes * map->max_entries;
}

// Both the bytes that were read and what is made from them.
static uint64_t types_bytes(const struct ebs_types *types)
{
	return 3 * (uint64_t)ebs_types_size(types);
}

struct ebs_weight ebs_map_weight(const struct ebs_map *map, bool made)
{
	return (struct ebs_weight){
		.files = map->fd >= 0,
		.bytes = MAP_BYTES + (map->own_types ? types_bytes(map->types) : 0) +
			 (made ? entry_bytes(map) : 0),
	};
}

struct ebs_weight ebs_object_weight(const struct ebs_object *object)
{
	struct ebs_weight weight = { .bytes = types_bytes(object->types) };
	const struct bpf_program *program = NULL;
	const struct bpf_map *map = NULL;

	if (!object->handle)
		return weight;
	weight.files = 1;
	weight.bytes += 3 * (uint64_t)object->elf_size;
	while ((map = bpf_object__next_map(object->handle, map))) {
		weight.files += bpf_map__fd(map) >= 0;
		weight.bytes += MAP_BYTES;
	}
	while ((program = bpf_object__next_program(object->handle, (void *)(uintptr_t)program))) {
		weight.files += bpf_program__fd(program) >= 0;
		weight.bytes += PROGRAM_BYTES;
	}
	for (size_t i = 0; i < object->map_count; i++)
		weight.bytes += entry_bytes(&object->maps[i]);
	return weight;
}
