// SPDX-License-Identifier: GPL-2.0-only
// Entries of BPF maps: get, set, delete, walk.
#ifndef EBS_KERNEL_MAP_H
#define EBS_KERNEL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "types/layout.h"

// Owned by its object.
struct ebs_map {
	char *name;
	int fd;        // -1 until the object is loaded, and after it was closed
	uint32_t type; // BPF_MAP_TYPE_*
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	const struct ebs_layout *key;   // NULL: no type known, or none of the key's size
	const struct ebs_layout *value; // likewise
	bool per_cpu;    // an entry has a value for each CPU, also where there is only one
	unsigned cpus;   // values of one entry: the possible CPUs, or 1
	uint32_t stride; // bytes from one CPU's value to the next
};

// "hash", "percpu_array", ...: the kernel's name in lower case.
const char *ebs_map_type_name(const struct ebs_map *map);

// Has this kind of map entries with keys that can be read and set?
bool ebs_map_has_entries(const struct ebs_map *map);

// Bytes of an entry's value as the system calls see it.
static inline size_t ebs_map_value_bytes(const struct ebs_map *map)
{
	return (size_t)map->stride * map->cpus;
}

// `value` holds ebs_map_value_bytes(). Returns 1, 0 when the key isn't there, or -errno with
// `error` filled.
int ebs_map_get(const struct ebs_map *map, const void *key, void *value, struct ebs_error *error);
int ebs_map_set(const struct ebs_map *map, const void *key, const void *value,
		struct ebs_error *error);
// Returns 1, 0 when the key wasn't there, or -errno.
int ebs_map_delete(const struct ebs_map *map, const void *key, struct ebs_error *error);

// Walks over all entries, by batches where the kernel has them. A draining walk deletes each entry
// as it reads it. NULL with `error` filled.
struct ebs_map_walk;
struct ebs_map_walk *ebs_map_walk_new(const struct ebs_map *map, bool drain,
				      struct ebs_error *error);
// The next entry, valid until the next call. Returns 1, 0 at the end, or -errno with `error`
// filled.
int ebs_map_walk_next(struct ebs_map_walk *walk, const uint8_t **key, const uint8_t **value,
		      struct ebs_error *error);
void ebs_map_walk_free(struct ebs_map_walk *walk);

#endif
