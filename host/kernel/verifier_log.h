// SPDX-License-Identifier: GPL-2.0-only
// The text that the kernel's verifier writes about a program that it refuses: the instructions on
// its way, and the reason behind the last one.
#ifndef EBS_KERNEL_VERIFIER_LOG_H
#define EBS_KERNEL_VERIFIER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

// Everything in here points into the text, which must stay.
struct ebs_verifier_log {
	const char *text; // `size` bytes
	size_t size;
	const char *trace_end;      // behind the last instruction
	struct ebs_buffer messages; // the reason: the kernel's lines, without the last newline
	bool whole;                 // it has its end; a log that is cut there says no reason
	uint64_t processed;         // how many instructions the verifier has looked at
};

// Returns 0, or -ENOMEM.
int ebs_verifier_log_parse(struct ebs_verifier_log *log, const char *text, size_t size);
void ebs_verifier_log_free(struct ebs_verifier_log *log);

// Whether the log names neither an instruction nor a reason: then the verifier didn't get to look
// at the program, or had nothing against it.
bool ebs_verifier_log_is_silent(const char *text, size_t size);

struct ebs_verifier_step {
	uint32_t index;   // of the instruction
	const char *text; // "(79) r1 = *(u64 *)(r0 +0)"
	size_t length;
	const char *state; // what registers hold then: "R0=scalar() R6=ctx()"; may be empty
	size_t state_length;
	bool other_function; // a call or return stands between this step and the one behind it
};

// Steps backwards: `place` starts as log->trace_end. False at the beginning.
bool ebs_verifier_log_back(const struct ebs_verifier_log *log, const char **place,
			   struct ebs_verifier_step *step);

// What the state says of a register: "scalar(umax=5)". False when it says nothing.
bool ebs_verifier_step_register(const struct ebs_verifier_step *step, unsigned int number,
				const char **value, size_t *length);

#endif
