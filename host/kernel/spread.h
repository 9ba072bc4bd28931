// SPDX-License-Identifier: GPL-2.0-only
// Attaching to many places by few calls, though some of the places can't be probed.
#ifndef EBS_KERNEL_SPREAD_H
#define EBS_KERNEL_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

struct ebs_spread {
	uint32_t count; // of places
	// Attaches to `count` places from `first` on, all or none. Returns 0 or -errno.
	int (*attach)(void *context, uint32_t first, uint32_t count);
	// Whether nobody named the place: then it may be left out.
	bool (*is_chosen)(const void *context, uint32_t place);
	void *context;
	bool one_by_one; // the kernel takes no more in one call
	bool *left_out;  // `count` of them, false at the start
	uint32_t attached;
	uint32_t refused; // the place that ended it, when the result isn't 0
};

// Attaches to all places that can be probed. Returns 0 (with `attached` 0 when no place could be),
// or -errno.
int ebs_spread_attach(struct ebs_spread *spread);

#endif
