// SPDX-License-Identifier: GPL-2.0-only
// The strings that stand in a Lua script's text, and where.
#ifndef EBS_SCRIPT_LITERALS_H
#define EBS_SCRIPT_LITERALS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

enum { EBS_LITERALS_DEPTH = 64 };

// Start with { .line_start = text, .next = text, .end = text + size, .line = 1 }.
struct ebs_literals {
	const char *next;
	const char *end;
	const char *line_start;
	int line; // counted from 1
	// The lines in which the brackets were opened that are still open; deeper ones are only
	// counted.
	int open[EBS_LITERALS_DEPTH];
	int depth;
};

struct ebs_literal {
	const char *text; // as it is written, without the quotes and without the newline behind [[
	const char *end;
	const char *line_start; // of the line in which it begins
	int line;
	char quote; // [, " or '
};

// Finds the next string; comments are skipped. False at the end. What isn't Lua gives strings that
// are of no use.
bool ebs_literals_next(struct ebs_literals *scan, struct ebs_literal *literal);

// Whether the place is inside brackets that were opened in that line.
bool ebs_literals_inside(const struct ebs_literals *scan, int line);

// Appends what the literal stands for. Returns whether each of its lines is one line of the script,
// the first being literal->line.
bool ebs_literal_decode(const struct ebs_literal *literal, struct ebs_buffer *out);

#endif
