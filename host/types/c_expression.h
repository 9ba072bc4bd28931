// SPDX-License-Identifier: GPL-2.0-only
// What stands at a place in a line of C. It looks at the text only, so it may find nothing; what it
// finds is for messages.
#ifndef EBS_TYPES_C_EXPRESSION_H
#define EBS_TYPES_C_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A part of a line.
struct ebs_c_part {
	const char *start;
	size_t length;
};

// Columns count from 1; compilers put them on a field's name, or on the operator behind or in front
// of an operand.

// The operand: `value->packets`, `slot[n]`, `*field`, a variable.
bool ebs_c_operand_at(const char *line, uint32_t column, struct ebs_c_part *operand);

// The pointer that reading or writing an operand goes through: `value` of `value->packets`, else
// all of it.
struct ebs_c_part ebs_c_pointer_of(struct ebs_c_part operand);

// The function whose call begins there.
bool ebs_c_call_at(const char *line, uint32_t column, struct ebs_c_part *name);

// Argument `number`, from 1, of the call that begins there.
bool ebs_c_argument_at(const char *line, uint32_t column, unsigned int number,
		       struct ebs_c_part *argument);

// The same, and also what says little by itself in a sentence: a number, a macro's name.
bool ebs_c_argument_text(const char *line, uint32_t column, unsigned int number,
			 struct ebs_c_part *argument);

// The variable that gets what begins there: `event` of `event = bpf_ringbuf_reserve(...)`.
bool ebs_c_assigned_at(const char *line, uint32_t column, struct ebs_c_part *variable);

#endif
