// SPDX-License-Identifier: GPL-2.0-only
// What the files that tell of a refusal share.
#ifndef EBS_KERNEL_REFUSAL_PRIVATE_H
#define EBS_KERNEL_REFUSAL_PRIVATE_H

#include "kernel/refusal.h"
#include "kernel/verifier_log.h"
#include "kernel/verifier_rules.h"
#include "kernel/verifier_story.h"
#include "types/c_expression.h"
#include "types/line_info.h"

struct ebs_refusal {
	const struct ebs_refused *refused;
	struct ebs_verifier_log log;
	struct ebs_line_info lines;
	bool has_lines;

	struct ebs_verifier_step step; // the last one; its text is empty when there is none
	const char *before;            // where in the log the steps before it end
	char instruction[160];         // the step's text, and the state of what it goes through

	char *message; // the line of the kernel's that is explained
	const struct ebs_verifier_rule *rule;
	regmatch_t groups[EBS_RULE_GROUPS]; // in `message`
	int number;                         // the register that the message names, or -1

	bool has_line;
	struct ebs_line line;    // what the message is about
	struct ebs_c_part part;  // the C in it that is blamed; empty when it isn't known
	bool copied;             // it is what a memcpy() reads or writes, which begins at
	uint32_t call_column;    // this column of the line
	struct ebs_trail trail;  // steps to show, besides the last one
	struct ebs_buffer words; // what is wrong
	struct ebs_buffer notes; // each a line of text and a line of C, a newline in front
};

// refusal.c

bool ebs_refusal_line(const struct ebs_refusal *refusal, uint32_t index, struct ebs_line *line);
bool ebs_refusal_same_line(const struct ebs_line *a, const struct ebs_line *b);
bool ebs_refusal_is_header(const struct ebs_line *line);
// A group of the rule's expression as a number; 0 when it took no part.
long ebs_refusal_group(const struct ebs_refusal *refusal, int group);
// A note with its line of C.
__attribute__((format(printf, 3, 4))) void
ebs_refusal_note(struct ebs_refusal *refusal, const struct ebs_line *line, const char *format, ...);

// refusal_show.c

enum ebs_show {
	EBS_SHOW_ERROR,
	EBS_SHOW_NOTE,
};
// FILE:LINE:COLUMN: error:
void ebs_refusal_show_place(struct ebs_buffer *out, const struct ebs_line *line,
			    enum ebs_show kind);
// A newline, the line, and a caret with `length` columns marked.
void ebs_refusal_show_line(struct ebs_buffer *out, const struct ebs_line *line, size_t length);

// refusal_words.c

// Finds the C that is blamed, and fills in the rule's words.
void ebs_refusal_say(struct ebs_refusal *refusal);
// "`value`", or other words for it.
void ebs_refusal_say_value(const struct ebs_refusal *refusal, struct ebs_buffer *out);

// refusal_stories.c

// Adds notes; for some messages also the words and the line.
void ebs_refusal_story(struct ebs_refusal *refusal);

#endif
