// SPDX-License-Identifier: GPL-2.0-only
// The largest entries of a map: all are looked at, and only these are kept.
#ifndef EBS_KERNEL_MAP_TOP_H
#define EBS_KERNEL_MAP_TOP_H

#include "kernel/map.h"

#define EBS_TOP_FIELDS 8 // at most, by which entries are compared

struct ebs_map_top {
	uint64_t seen; // entries
	bool is_float; // which of the sums counts: that of the first field over all entries
	int64_t sum;
	double float_sum;
	size_t kept;

	// The rest is map_top.c's own.
	const struct ebs_map *map;
	size_t limit;
	size_t capacity; // slots that there is memory for
	size_t stride;   // bytes of a slot: ranks, key, value
	uint8_t *slots;
	uint32_t *order; // numbers of slots; with `limit` of them a heap, the smallest entry first
	uint32_t fields;
	struct ebs_field field[EBS_TOP_FIELDS];
};

// Can entries be ordered by it? Numbers, booleans and enums can.
bool ebs_map_top_can(const struct ebs_layout *layout);

// `fields` (1 to EBS_TOP_FIELDS) are compared one after the other; of per-CPU values, their sums.
// Where all are equal, the key decides, the smaller one first. `limit`: SIZE_MAX keeps all.
void ebs_map_top_init(struct ebs_map_top *top, const struct ebs_map *map, size_t limit,
		      const struct ebs_field *fields, uint32_t count);
// Takes the entries of one batch of a walk into account. Returns 0 or -ENOMEM.
int ebs_map_top_add(struct ebs_map_top *top, const struct ebs_map_batch *batch);
// Puts what was kept in order, the largest first; nothing can be added then.
void ebs_map_top_sort(struct ebs_map_top *top);
// The key of an entry, by its place in that order, and its value; both as in a batch.
const uint8_t *ebs_map_top_key(const struct ebs_map_top *top, size_t index);
const uint8_t *ebs_map_top_value(const struct ebs_map_top *top, size_t index);
void ebs_map_top_free(struct ebs_map_top *top);

#endif
