// SPDX-License-Identifier: GPL-2.0-only
// What an object's programs lose: events, updates of maps, and runs of the programs themselves.
#ifndef EBS_KERNEL_LOSSES_H
#define EBS_KERNEL_LOSSES_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/object.h"

enum ebs_loss_kind {
	EBS_LOST_EVENTS,    // no room in a ring or perf buffer, or too large for it
	EBS_FAILED_UPDATES, // no room in a map
	EBS_FULL, // a ring buffer or map was full when it was read, and nobody counts what was lost
	EBS_UNKNOWN_EVENTS, // the script said of what type samples are, but not for all that came
	EBS_MISSED,         // a program wasn't run where it should have been
};

struct ebs_loss {
	enum ebs_loss_kind kind;
	char *name;                // the map's or program's; the object's own
	const struct ebs_map *map; // NULL: a program, or a map that the C reaches by a variable
	const struct ebs_program *program; // MISSED: else NULL
	uint64_t counted;                  // by the programs
	uint64_t count;                    // since the object was loaded
	uint64_t told;                     // the caller's: what of it the user knows
	uint64_t totalled;                 // likewise: what was told as the total
};

// All places where the object can lose something, the same ones in the same order from load to
// ebs_object_free(), with the counts as they were last read.
struct ebs_loss *ebs_object_losses(const struct ebs_object *object, size_t *count);

// Reads what is counted in memory that the kernel shares. Costs no system call.
void ebs_losses_read(struct ebs_object *object);

// Looks whether maps that nobody has counted the entries of are full: those only where that takes a
// few milliseconds.
void ebs_losses_look_for_full_maps(struct ebs_object *object);

// Reads what the kernel counts: a system call for each program, and for each probe.
void ebs_losses_read_missed(struct ebs_object *object);

#endif
