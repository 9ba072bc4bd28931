// SPDX-License-Identifier: GPL-2.0-only
// Names of C++, Rust and D as their sources have them.
#ifndef EBS_BINARY_DEMANGLE_H
#define EBS_BINARY_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

enum ebs_name_form {
	EBS_NAME_WHOLE,     // "int geo::max<int>(int, int)"
	EBS_NAME_NO_RESULT, // "geo::max<int>(int, int)"
	EBS_NAME_SHORT,     // "geo::max<int>"
	EBS_NAME_FORMS,
};

// The name behind a symbol's in one form, owned by the caller; NULL: it is a name as it stands.
char *ebs_demangle(const char *symbol, enum ebs_name_form form);

// Makes names that mean the same equal: takes away blanks that part no words, ABI tags and Rust's
// hash. In place.
void ebs_name_normalize(char *name);

#endif
