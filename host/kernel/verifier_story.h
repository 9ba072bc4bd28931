// SPDX-License-Identifier: GPL-2.0-only
// What a verifier's log tells of the way to its end: how a register became what it is, which loop
// went round, how much stack functions take.
#ifndef EBS_KERNEL_VERIFIER_STORY_H
#define EBS_KERNEL_VERIFIER_STORY_H

#include <linux/bpf.h>

#include "kernel/verifier_log.h"

enum { EBS_TRAIL_STEPS = 8 };

// The steps that made a register what it is, the last one first.
struct ebs_trail {
	struct ebs_verifier_step steps[EBS_TRAIL_STEPS];
	unsigned int registers[EBS_TRAIL_STEPS]; // that each has set
	size_t count;
	// Where the register's value comes from, and where the number that was added to it: a place
	// in `steps`, or -1.
	int origin;
	int number_origin;
};

// Of `number` in front of the instruction that stands before `place`.
void ebs_trail_follow(const struct ebs_verifier_log *log, const char *place, unsigned int number,
		      struct ebs_trail *trail);

// The last comparison of what is made of the number that is added to a register, in another
// register than that number is in: the verifier learns nothing from it. False when there is none.
bool ebs_trail_compared(const struct ebs_verifier_log *log, const char *place, unsigned int number,
			struct ebs_verifier_step *compared);

// Behind "call " in a step that calls a helper; 0 for other steps.
size_t ebs_step_helper(const struct ebs_verifier_step *step, const char **name);

// How often each instruction stands in the log's last `limit` steps; `rounds` has `count` elements.
void ebs_log_count_rounds(const struct ebs_verifier_log *log, size_t limit, uint32_t *rounds,
			  size_t count);

// Bytes of stack that a function uses.
uint32_t ebs_stack_use(const struct bpf_insn *instructions, size_t count);

#endif
