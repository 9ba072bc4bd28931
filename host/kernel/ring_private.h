// SPDX-License-Identifier: GPL-2.0-only
// What the readers of each kind of buffer share.
#ifndef EBS_KERNEL_RING_PRIVATE_H
#define EBS_KERNEL_RING_PRIVATE_H

#include "kernel/ring.h"

// The functions behind those of ring.h.
struct ebs_ring_kind {
	void (*free)(struct ebs_ring *ring);
	void (*begin)(struct ebs_ring *ring);
	size_t (*take)(struct ebs_ring *ring, struct ebs_sample *samples, size_t limit);
	size_t (*end)(struct ebs_ring *ring, const struct ebs_sample *last);
	bool (*is_waiting)(const struct ebs_ring *ring); // may be NULL: never
	void (*count_lost)(struct ebs_ring *ring);       // may be NULL: the kernel doesn't tell
};

// Each kind's struct begins with it.
struct ebs_ring {
	const struct ebs_ring_kind *kind;
	struct ebs_map *map;
	int fd; // to wait for
	bool busy;
	size_t capacity;
};

// NULL with errno set.
struct ebs_ring *ebs_ring_buffer_new(struct ebs_map *map);
struct ebs_ring *ebs_perf_ring_new(struct ebs_map *map);

#endif
