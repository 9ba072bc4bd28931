// SPDX-License-Identifier: GPL-2.0-only
// Reads C text token by token, for tokens.c.
#ifndef EBS_TYPES_C_SCANNER_H
#define EBS_TYPES_C_SCANNER_H

#include <stdbool.h>
#include <stddef.h>

enum ebs_c_kind {
	EBS_C_END,
	EBS_C_NAME,        // keywords too
	EBS_C_PUNCTUATION, // one character; literals and numbers are left out
	EBS_C_INCLUDE,     // the name between the quotes or brackets
	EBS_C_DEFINE,      // the macro's name
};

struct ebs_c_token {
	enum ebs_c_kind kind;
	const char *text;
	size_t length;
	bool quoted; // EBS_C_INCLUDE: "..."
};

// Lines that end in a backslash have been joined.
struct ebs_c_scanner {
	const char *next;
	const char *end;
	bool in_line; // something else than a # has been seen in this line
};

struct ebs_c_token ebs_c_next(struct ebs_c_scanner *scanner);

// Goes on at the end of the line.
void ebs_c_skip_line(struct ebs_c_scanner *scanner);

// Takes the backslashes at ends of lines out, in place; returns the new size.
size_t ebs_c_join_lines(char *text, size_t size);

#endif
