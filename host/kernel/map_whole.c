// SPDX-License-Identifier: GPL-2.0-only
// What is done to all entries of a map at once: counted, cleared.
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "kernel/map.h"

#define ZEROS (64 * 1024) // bytes of values that are written in one call

static bool is_array(const struct ebs_map *map)
{
	return map->type == BPF_MAP_TYPE_ARRAY || map->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

// Calls `visit` (may be NULL) for each key. Returns how many there were, or -errno.
static int64_t each_key(const struct ebs_map *map,
			int (*visit)(const struct ebs_map *map, const void *key))
{
	uint8_t *keys = malloc((size_t)map->key_size * 2);
	if (!keys)
		return -ENOMEM;
	uint8_t *key = keys;
	uint8_t *next = keys + map->key_size;
	int64_t count = 0;
	int result = bpf_map_get_next_key(map->fd, NULL, next) ? -errno : 0;

	// The bound: the kernel starts anew when others delete the key that it is to go on from.
	while (!result && count < map->max_entries) {
		uint8_t *previous = key;

		key = next;
		next = previous;
		result = bpf_map_get_next_key(map->fd, key, next) ? -errno : 0;
		int visited = visit ? visit(map, key) : 0;
		if (visited)
			result = visited;
		count++;
	}
	free(keys);
	return result && result != -ENOENT ? result : count;
}

// Reads, or drains, all entries in batches. Returns how many there were, or -errno.
static int64_t each_batch(struct ebs_map *map, bool drain)
{
	struct ebs_map_walk *walk = ebs_map_walk_new(map, drain, NULL);
	struct ebs_map_batch batch;
	int64_t count = 0;
	int result = walk ? 1 : -ENOMEM;

	while (result > 0) {
		result = ebs_map_walk_fill(walk, &batch, NULL);
		count += result > 0 ? batch.count : 0;
	}
	ebs_map_walk_free(walk);
	return result ? result : count;
}

// Batches, values and all, are quicker than asking for key after key even where a value has 16 KiB.
int64_t ebs_map_count(struct ebs_map *map, struct ebs_error *error)
{
	if (is_array(map))
		return map->max_entries;

	int64_t count = each_batch(map, false);
	if (count < 0) // some kinds have keys that can be listed, but values that can't be read
		count = each_key(map, NULL);
	if (count < 0)
		ebs_error_errno(error, (int)count, "can't count the entries of map \"%s\" (%s)",
				map->name, ebs_map_type_name(map));
	return count;
}

// Keys that are gone or empty already are fine.
static int delete_key(const struct ebs_map *map, const void *key)
{
	return !bpf_map_delete_elem(map->fd, key) || errno == ENOENT ? 0 : -errno;
}

static int zero_array(const struct ebs_map *map)
{
	size_t bytes = ebs_map_value_bytes(map);
	uint32_t at_once = bytes < ZEROS ? ZEROS / bytes : 1;
	uint32_t *keys = malloc(at_once * sizeof(*keys));
	uint8_t *zeros = calloc(at_once, bytes);
	int result = keys && zeros ? 0 : -ENOMEM;

	for (uint32_t first = 0; !result && first < map->max_entries; first += at_once) {
		uint32_t count =
			map->max_entries - first < at_once ? map->max_entries - first : at_once;

		for (uint32_t i = 0; i < count; i++)
			keys[i] = first + i;
		uint32_t done = count;
		if (!bpf_map_update_batch(map->fd, keys, zeros, &done, NULL))
			continue;
		// Kernels before 5.13 have no batches for per-CPU arrays.
		for (uint32_t i = 0; !result && i < count; i++)
			result =
				bpf_map_update_elem(map->fd, &keys[i], zeros, BPF_ANY) ? -errno : 0;
	}
	free(keys);
	free(zeros);
	return result;
}

int ebs_map_clear(struct ebs_map *map, struct ebs_error *error)
{
	int64_t result;

	if (is_array(map)) {
		result = zero_array(map);
	} else {
		result = each_batch(map, true);
		if (result >= 0 && map->halves) // what an earlier drain has left in the other
			result = each_batch(map, true);
		if (result < 0)
			result = each_key(map, delete_key);
	}
	if (result < 0)
		return ebs_error_errno(error, (int)result, "can't clear map \"%s\" (%s)", map->name,
				       ebs_map_type_name(map));
	return 0;
}
