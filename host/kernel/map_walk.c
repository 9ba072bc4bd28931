// SPDX-License-Identifier: GPL-2.0-only
// Walking over a map's entries, many in one system call.
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/map_halves.h"
#include "kernel/map_memory.h"
#include "kernel/weight.h"

// One kernel call hands over so many bytes of values at most, unless a single hash bucket needs
// more.
#define BATCH_BYTES   (128 * 1024)
#define BATCH_ENTRIES 4096

struct ebs_map_walk {
	struct ebs_map *map;
	int fd;                    // the map's, or that of the half which is drained
	struct ebs_memory *memory; // of an array that is read in place; else NULL
	bool drain;
	bool batched;
	bool by_bucket; // a batch is a number of whole hash buckets: none comes twice
	bool started;   // the first call has no position to go on from
	bool ended;
	uint8_t *keys;
	uint8_t *values;
	uint32_t capacity; // entries that fit into both
	uint32_t count;    // entries that are in them
	uint8_t *position; // batched: the kernel's; else the next key
	uint64_t entries;  // handed out
	uint64_t steps; // entries so far. They bound a walk by keys, which starts anew when others
			// delete the key that it stands at
};

static bool has_buckets(uint32_t type)
{
	return type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_LRU_HASH ||
	       type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

static int resize(struct ebs_map_walk *walk, uint32_t capacity)
{
	free(walk->keys);
	free(walk->values);
	walk->keys = malloc((size_t)capacity * walk->map->key_size);
	walk->values = malloc((size_t)capacity * ebs_map_value_bytes(walk->map));
	walk->capacity = capacity;
	return walk->keys && walk->values ? 0 : -ENOMEM;
}

static int prepare(struct ebs_map_walk *walk)
{
	const struct ebs_map *map = walk->map;
	uint64_t capacity = BATCH_BYTES / ebs_map_value_bytes(map);

	if (capacity > BATCH_ENTRIES)
		capacity = BATCH_ENTRIES;
	if (capacity > map->max_entries)
		capacity = map->max_entries;
	if (capacity < 1)
		capacity = 1;
	// A hash map's batch position is a 32-bit bucket number, others' is a key.
	walk->position = malloc(map->key_size > 8 ? map->key_size : 8);
	return walk->position ? resize(walk, capacity) : -ENOMEM;
}

struct ebs_map_walk *ebs_map_walk_new(struct ebs_map *map, bool drain, struct ebs_error *error)
{
	struct ebs_map_walk *walk = calloc(1, sizeof(*walk));

	if (walk) {
		walk->map = map;
		walk->drain = drain;
		walk->batched = true;
		walk->by_bucket = has_buckets(map->type);
	}
	struct ebs_memory *memory = drain ? NULL : ebs_map_memory(map);
	if (walk && memory)
		walk->memory = ebs_memory_share(memory);
	if (!walk || (!memory && prepare(walk))) {
		ebs_map_walk_free(walk);
		ebs_error_errno(error, ENOMEM, "can't walk over map \"%s\"", map->name);
		return NULL;
	}
	walk->fd = drain && map->halves ? ebs_halves_swap(map) : map->fd;
	if (walk->fd < 0) {
		ebs_error_errno(error, walk->fd, "can't drain map \"%s\"", map->name);
		ebs_map_walk_free(walk);
		return NULL;
	}
	return walk;
}

struct ebs_weight ebs_map_walk_weight(const struct ebs_map_walk *walk)
{
	size_t entry = walk->map->key_size + ebs_map_value_bytes(walk->map);

	return (struct ebs_weight){ .bytes = sizeof(*walk) + entry * walk->capacity };
}

void ebs_map_walk_free(struct ebs_map_walk *walk)
{
	if (!walk)
		return;
	ebs_memory_release(walk->memory);
	free(walk->keys);
	free(walk->values);
	free(walk->position);
	free(walk);
}

bool ebs_map_walk_is_over(const struct ebs_map_walk *walk)
{
	return walk->ended;
}

// Fills the buffers with the next batch. Returns 0, or -errno.
static int fill_batch(struct ebs_map_walk *walk)
{
	for (;;) {
		uint32_t count = walk->capacity;
		void *from = walk->started ? walk->position : NULL;
		int result = walk->drain
				     ? bpf_map_lookup_and_delete_batch(walk->fd, from,
								       walk->position, walk->keys,
								       walk->values, &count, NULL)
				     : bpf_map_lookup_batch(walk->fd, from, walk->position,
							    walk->keys, walk->values, &count, NULL);
		int error = result ? errno : 0;

		if (error == ENOSPC) { // a bucket has more entries than fit
			result = resize(walk, walk->capacity * 2);
			if (result)
				return result;
			continue;
		}
		// EINTR: kernels before 6.15 give up, with what they have so far, when others
		// delete entries of some kinds of maps meanwhile.
		if (error && error != ENOENT && error != EINTR)
			return -error;
		walk->started = walk->started || count || error != EINTR;
		walk->count = count;
		walk->steps += count ? count : 1;
		walk->ended = error == ENOENT ||
			      (!walk->by_bucket && walk->steps >= walk->map->max_entries);
		return 0;
	}
}

static bool is_unsupported(int error)
{
	return error == EINVAL || error == ENOTSUPP || error == EOPNOTSUPP;
}

// Reads the entry whose key is in `keys`, and deletes it where the walk drains: in one step where
// the kernel can, so that no count is lost between the two. Returns 0 or -errno.
static int read_entry(struct ebs_map_walk *walk)
{
	int fd = walk->fd;

	if (!walk->drain)
		return bpf_map_lookup_elem(fd, walk->keys, walk->values) ? -errno : 0;
	if (!bpf_map_lookup_and_delete_elem(fd, walk->keys, walk->values))
		return 0;
	if (!is_unsupported(errno))
		return -errno;
	if (bpf_map_lookup_elem(fd, walk->keys, walk->values) ||
	    bpf_map_delete_elem(fd, walk->keys))
		return -errno;
	return 0;
}

// Reads the entry at `position` into the buffers' first slot and moves on. Deleting the entry that
// was handed out is harmless: the position is already one further.
static int fill_single(struct ebs_map_walk *walk)
{
	const struct ebs_map *map = walk->map;

	walk->count = 0;
	if (!walk->started && bpf_map_get_next_key(walk->fd, NULL, walk->position)) {
		walk->ended = true;
		return errno == ENOENT ? 0 : -errno;
	}
	walk->started = true;
	while (!walk->ended && !walk->count) {
		memcpy(walk->keys, walk->position, map->key_size);
		if (bpf_map_get_next_key(walk->fd, walk->keys, walk->position)) {
			if (errno != ENOENT)
				return -errno;
			walk->ended = true;
		}
		if (++walk->steps >= map->max_entries)
			walk->ended = true;

		int result = read_entry(walk);
		if (!result)
			walk->count = 1;
		else if (result != -ENOENT)
			return result;
	}
	return 0;
}

static int fill(struct ebs_map_walk *walk)
{
	walk->count = 0;
	if (walk->batched) {
		int result = fill_batch(walk);
		if (walk->started || !is_unsupported(-result))
			return result;
		walk->batched = false;
	}
	return fill_single(walk);
}

int ebs_map_walk_fill(struct ebs_map_walk *walk, struct ebs_map_batch *batch,
		      struct ebs_error *error)
{
	struct ebs_map *map = walk->map;
	int result = 0;

	if (walk->memory) {
		if (walk->ended)
			return 0;
		walk->ended = true;
		*batch = (struct ebs_map_batch){ .values = walk->memory->data,
						 .stride = walk->memory->stride,
						 .count = map->max_entries };
		return 1;
	}
	do {
		if (walk->ended)
			return 0;
		result = fill(walk);
	} while (!result && !walk->count);
	if (result)
		return ebs_map_explain(map, result, walk->drain ? "drain" : "walk over", 0, error);
	walk->entries += walk->count;
	if (map->watched && walk->entries >= map->max_entries)
		map->full = 1;
	*batch = (struct ebs_map_batch){ .keys = walk->keys,
					 .values = walk->values,
					 .stride = ebs_map_value_bytes(map),
					 .count = walk->count };
	return 1;
}
