// SPDX-License-Identifier: GPL-2.0-only
// The functions of executables and libraries, as their symbol tables have them.
#ifndef EBS_BINARY_SYMBOLS_H
#define EBS_BINARY_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "binary/file.h"

struct ebs_symbol {
	const char *name;    // without a version
	const char *version; // "GLIBC_2.34", or NULL
	bool is_default;     // of the versions the one that programs are linked to now
	bool is_resolver;    // IFUNC: no function, but what chooses one when a program starts
	uint64_t offset;     // bytes from the file's start
};

// Ends the visit by a number other than 0. The symbol lives as long as the call.
typedef int ebs_symbol_visit(void *context, const struct ebs_symbol *symbol);

enum ebs_symbol_tables {
	EBS_TABLES_OWN,   // of the file
	EBS_TABLES_DEBUG, // of its debug file, if it is stripped and there is one
};

// Visits the functions, in the tables' order; a name can come twice. Returns 0, or the visit's own
// number.
int ebs_symbols_visit(struct ebs_binary *binary, enum ebs_symbol_tables tables,
		      ebs_symbol_visit *visit, void *context);

// The same for a path and both kinds of tables. A negative errno with `error` filled when the file
// can't be opened.
int ebs_functions_visit(const char *path, ebs_symbol_visit *visit, void *context,
			struct ebs_error *error);

#endif
