// SPDX-License-Identifier: GPL-2.0-only
// Variables of a compiled object whose initial values are addresses. Nobody fills them in: libbpf
// knows addresses in programs, in .maps and in .struct_ops alone, so that a program would read 0.
#ifndef EBS_TYPES_POINTER_TABLES_H
#define EBS_TYPES_POINTER_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ebs_pointee {
	EBS_TO_TEXT,
	EBS_TO_FUNCTION,
	EBS_TO_OTHER, // variables and maps
};

struct ebs_pointer_table {
	const char *name; // of the variable; "run.names" of one in a function; NULL: it has none
	bool is_table;    // it has more than one element
	bool in_struct;   // the pointers are members of a struct or union
	enum ebs_pointee to;
	size_t longest; // bytes of the longest text, its NUL among them; 0: not known
	// Where a program first uses it: for one without a name. NULL: not known.
	const char *file;
	uint32_t line;
};

// Finds the first of them; `name` and `file` point into the object's bytes, which must be aligned
// to 4 bytes. False when there is none, and for a file that is no object.
bool ebs_pointer_table_find(const void *elf, size_t size, struct ebs_pointer_table *table);

#endif
