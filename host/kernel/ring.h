// SPDX-License-Identifier: GPL-2.0-only
// Samples of a ring buffer, to a callback.
#ifndef EBS_KERNEL_RING_H
#define EBS_KERNEL_RING_H

#include <stddef.h>

#include "base/error.h"
#include "kernel/map.h"

// `data` lives as long as the call. A negative number ends the reading; the sample counts as read.
typedef int ebs_ring_callback(void *context, void *data, size_t size);

// NULL with `error` filled, also when the map is no ring buffer. The map must outlive it.
struct ebs_ring;
struct ebs_ring *ebs_ring_new(const struct ebs_map *map, ebs_ring_callback *callback, void *context,
			      struct ebs_error *error);
void ebs_ring_free(struct ebs_ring *ring);

// Readable while there are samples; owned by the ring.
int ebs_ring_fd(const struct ebs_ring *ring);

// Hands over the samples that are there, though no more than a buffer full, so that a busy producer
// can't keep the caller for good. Returns 0, or the callback's negative number.
int ebs_ring_consume(struct ebs_ring *ring);

#endif
