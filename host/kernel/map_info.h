// SPDX-License-Identifier: GPL-2.0-only
// What a map is: from the C's definition, and from what the kernel tells of it.
#ifndef EBS_KERNEL_MAP_INFO_H
#define EBS_KERNEL_MAP_INFO_H

#include "kernel/map.h"

struct bpf_map;

// Fills in what follows from the kind and the sizes of `map`. Returns 0, or -errno with `error`
// filled.
int ebs_map_complete(struct ebs_map *map, struct ebs_error *error);

// Fills a zeroed `map` from a definition; before it is loaded. Returns 0, or -errno with `error`
// filled; what is in `map` must be released in either case.
int ebs_map_describe(struct ebs_map *map, struct bpf_map *definition, struct ebs_types *types,
		     struct ebs_error *error);

// The layouts of key and value, where they have the right sizes.
int ebs_map_set_types(struct ebs_map *map, uint32_t key_type_id, uint32_t value_type_id,
		      struct ebs_error *error);

// Frees all but `map` itself, whose descriptor must have been closed.
void ebs_map_release(struct ebs_map *map);

struct ebs_map_info {
	uint32_t id;
	uint64_t memory; // bytes that the kernel counts for it
	bool frozen;
};
int ebs_map_info(const struct ebs_map *map, struct ebs_map_info *info, struct ebs_error *error);

// The name of the flag in a bit, "no_prealloc"; NULL for one that has none here.
#define EBS_MAP_FLAGS 32
const char *ebs_map_flag_name(unsigned bit);

#endif
