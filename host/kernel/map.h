// SPDX-License-Identifier: GPL-2.0-only
// Entries of BPF maps: get, set, delete, walk.
#ifndef EBS_KERNEL_MAP_H
#define EBS_KERNEL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernel/map_kinds.h"
#include "types/layout.h"

struct user_ring_buffer;

// Samples of a buffer that the reader can make nothing of.
struct ebs_unknown_samples {
	uint64_t count;
	bool tagged; // else they are too short for a tag
	int64_t tag; // the last one's
};

// Owned by its object, or by who opened it (map_open.h).
struct ebs_map {
	char *name;
	int fd;        // -1 until the object is loaded, and after it was closed
	uint32_t type; // BPF_MAP_TYPE_*
	const struct ebs_map_kind *kind;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;               // BPF_F_*
	uint64_t extra;               // of a bloom filter, an arena
	struct ebs_types *types;      // where its layouts are from; the object's, unless own_types
	const struct ebs_layout *key; // NULL: no type known, or none of the key's size
	const struct ebs_layout *value; // likewise
	uint32_t key_type_id;           // in the BTF of its object; 0: none
	uint32_t value_type_id;
	int btf_fd; // of that BTF, to make maps by: of an inner definition, once its object is
		    // loaded
	struct ebs_map *inner; // of a map of maps: what its inner maps are like, never open; may be
			       // NULL
	char *pin_path;        // where it is pinned, as far as is known here; may be NULL
	struct ebs_halves *halves; // map_halves.h: `fd` is that of one half; else NULL
	bool own_types;
	bool given;      // the script gave it to the object, which has no say in its size
	bool per_cpu;    // an entry has a value for each CPU, also where there is only one
	unsigned cpus;   // values of one entry: the possible CPUs, or 1
	uint32_t stride; // bytes from one CPU's value to the next
	struct ebs_memory *memory; // map_memory.h
	bool memory_tried;
	uint64_t lost; // samples that the kernel had no room for in a perf buffer, as far as known
	uint64_t garbled; // samples that can't be read: too large for a perf buffer, or behind one
	uint64_t full; // readings that found a ring buffer full; of a map 1 once it was found full
	bool lossy_told; // that its drains lose counts all the same
	bool watched;    // a map that fills up unseen: walks count its entries
	struct ebs_unknown_samples unknown;
	uint32_t buffer_size;               // of a perf buffer, bytes for each CPU; 0: the default
	struct user_ring_buffer *submitter; // made by the first ebs_map_submit()
};

// "hash", "percpu_array", ...: the kernel's name in lower case.
const char *ebs_map_type_name(const struct ebs_map *map);

static inline bool ebs_map_can(const struct ebs_map *map, unsigned abilities)
{
	return (map->kind->abilities & abilities) == abilities;
}

// Bytes of an entry's value as the system calls see it.
static inline size_t ebs_map_value_bytes(const struct ebs_map *map)
{
	return (size_t)map->stride * map->cpus;
}

// `value` holds ebs_map_value_bytes(). Returns 1, 0 when the key isn't there, or -errno with
// `error` filled. Without a key: of a queue or stack the next value; of a bloom filter, whether
// `value` is in it.
int ebs_map_get(struct ebs_map *map, const void *key, void *value, struct ebs_error *error);
// `flags`: BPF_ANY, BPF_NOEXIST or BPF_EXIST. Without a key it pushes.
int ebs_map_set(const struct ebs_map *map, const void *key, const void *value, uint64_t flags,
		struct ebs_error *error);
// Returns 1, 0 when the key wasn't there, or -errno.
int ebs_map_delete(const struct ebs_map *map, const void *key, struct ebs_error *error);
// Takes the next value out of a queue or stack. Returns 1, 0 when it is empty, or -errno.
int ebs_map_pop(const struct ebs_map *map, void *value, struct ebs_error *error);

// An errno of one of these, in words: "can't WHAT map NAME: ...". Returns -errno.
int ebs_map_explain(const struct ebs_map *map, int number, const char *what, uint64_t flags,
		    struct ebs_error *error);

// Writes `count` entries: keys and values lie one behind the other, as ebs_map_set() takes them.
// By batches where the kernel has them. Returns 0, or -errno; `written` says how many were, and
// before the call, how many are already.
int ebs_map_update(const struct ebs_map *map, const uint8_t *keys, const uint8_t *values,
		   uint32_t count, uint64_t flags, uint32_t *written, struct ebs_error *error);

// Walks over all entries: an array's in place, others' by batches where the kernel has them. A
// draining walk deletes each entry as it reads it. NULL with `error` filled.
struct ebs_map_walk;
struct ebs_map_walk *ebs_map_walk_new(struct ebs_map *map, bool drain, struct ebs_error *error);
// The next entries, valid until the next call. Returns 1, 0 at the end, or -errno with `error`
// filled.
struct ebs_map_batch {
	const uint8_t *keys;   // key_size bytes each; NULL: they are indices, from 0
	const uint8_t *values; // `stride` bytes each
	size_t stride;
	uint32_t count;
};
int ebs_map_walk_fill(struct ebs_map_walk *walk, struct ebs_map_batch *batch,
		      struct ebs_error *error);
// Whether all entries were handed out.
bool ebs_map_walk_is_over(const struct ebs_map_walk *walk);
void ebs_map_walk_free(struct ebs_map_walk *walk);

// map_whole.c. The number of entries, or -errno with `error` filled.
int64_t ebs_map_count(struct ebs_map *map, struct ebs_error *error);
// Deletes all entries; those of an array become zero.
int ebs_map_clear(struct ebs_map *map, struct ebs_error *error);

#endif
