// SPDX-License-Identifier: GPL-2.0-only
// Maps in two halves, as EBS_DRAINED() of ebscript.bpf.h makes them: they lose nothing to a drain.
#ifndef EBS_KERNEL_MAP_HALVES_H
#define EBS_KERNEL_MAP_HALVES_H

#include "kernel/object.h"

// Programs find the half that they use in the one entry of an array of maps. To drain, that entry
// is set to the other half; the kernel returns from that when no program uses the first any more,
// and then it is read and emptied at leisure. All descriptors are the object's.
struct ebs_halves {
	int array;
	int halves[2];
	unsigned used; // which of them programs use
};

// The half of this name's map, 0 or 1, before loading. NULL when the map isn't one in halves.
struct bpf_map;
struct bpf_map *ebs_halves_find(struct ebs_object *object, const char *name, unsigned half);

// After loading: makes the first half stand for the map, under the map's name. Returns 0 or -errno
// with `error` filled.
int ebs_halves_load(struct ebs_object *object, struct ebs_error *error);

// Lets programs use the other half. Returns the descriptor of the one that they don't use now, or
// -errno.
int ebs_halves_swap(struct ebs_map *map);

#endif
