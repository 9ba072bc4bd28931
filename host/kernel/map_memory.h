// SPDX-License-Identifier: GPL-2.0-only
// Arrays in memory that the kernel shares with us.
#ifndef EBS_KERNEL_MAP_MEMORY_H
#define EBS_KERNEL_MAP_MEMORY_H

#include "kernel/map.h"

// An array's values. It has as many owners as references, and stays when the map is closed.
struct ebs_memory {
	const uint8_t *data;
	size_t size;   // bytes
	size_t stride; // bytes from one value to the next
	unsigned references;
};

// The map's memory, mapped for reading when first asked for, and the map's while it is open. NULL
// where that can't be: it is no array, the kernel is too old, the map hasn't the flag, or its
// values have locks or timers in them.
struct ebs_memory *ebs_map_memory(struct ebs_map *map);
struct ebs_memory *ebs_memory_share(struct ebs_memory *memory);
// NULL is allowed.
void ebs_memory_release(struct ebs_memory *memory);

// When the map is closed.
void ebs_map_memory_forget(struct ebs_map *map);

#endif
