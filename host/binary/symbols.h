// SPDX-License-Identifier: GPL-2.0-only
// What executables and libraries offer to probes: functions, and USDT probes.
#ifndef EBS_BINARY_SYMBOLS_H
#define EBS_BINARY_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct ebs_symbol {
	const char *name;      // as in the symbol table; of a USDT probe "PROVIDER:NAME"
	const char *demangled; // the function's C++ or Rust name with its parameters, or NULL
	const char *arguments; // of a USDT probe: as its note has them, "-4@%edi 8@%rsi"; else NULL
	uint64_t offset;       // bytes from the file's start
	bool is_resolver; // IFUNC: no function, but what chooses one when a program starts
};

// Ends the visit by a number other than 0. The symbol lives as long as the call.
typedef int ebs_symbol_visit(void *context, const struct ebs_symbol *symbol);

// Both visit what the file has, in the file's order; a name can come twice. Return 0, the visit's
// own number, or a negative errno with `error` filled.
int ebs_functions_visit(const char *path, ebs_symbol_visit *visit, void *context,
			struct ebs_error *error);
int ebs_usdt_visit(const char *path, ebs_symbol_visit *visit, void *context,
		   struct ebs_error *error);

#endif
