// SPDX-License-Identifier: GPL-2.0-only
// What objects, maps and walks hold that no collector of a language can see.
#ifndef EBS_KERNEL_WEIGHT_H
#define EBS_KERNEL_WEIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ebs_map;
struct ebs_map_walk;
struct ebs_object;

struct ebs_weight {
	size_t files;   // descriptors
	uint64_t bytes; // of the kernel's memory and of this process's, roughly
};

// A loaded object with its maps and programs, or what is left of a closed one.
struct ebs_weight ebs_object_weight(const struct ebs_object *object);
// A map that was opened without an object. `made`: it ends when it is closed.
struct ebs_weight ebs_map_weight(const struct ebs_map *map, bool made);
struct ebs_weight ebs_map_walk_weight(const struct ebs_map_walk *walk);

#endif
