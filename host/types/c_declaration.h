// SPDX-License-Identifier: GPL-2.0-only
// Where C text declares a variable.
#ifndef EBS_TYPES_C_DECLARATION_H
#define EBS_TYPES_C_DECLARATION_H

#include <stdbool.h>
#include <stddef.h>

struct ebs_c_place {
	size_t line;   // from 1
	size_t column; // in bytes, from 1
};

// `name` is that of the object's symbol: "run.names" for a static variable in the function "run".
// What a macro declares isn't found. False when the text doesn't declare it.
bool ebs_c_find_declaration(const char *text, size_t size, const char *name,
			    struct ebs_c_place *place);

#endif
