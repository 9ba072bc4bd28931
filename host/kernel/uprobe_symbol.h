// SPDX-License-Identifier: GPL-2.0-only
// Functions of executables and libraries, by the names that people know them by.
#ifndef EBS_KERNEL_UPROBE_SYMBOL_H
#define EBS_KERNEL_UPROBE_SYMBOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

// Whether a name is one of C++ or Rust as their sources have it: "zoo::feed", "zoo::feed(int)".
bool ebs_is_demangled(const char *name);

// Finds the function of a demangled name, with or without its parameters, in a file. Returns 0 with
// `*offset` filled, or a negative errno with `error` filled: there is none, or there are several.
int ebs_find_demangled(const char *path, const char *name, uint64_t *offset,
		       struct ebs_error *error);

// Sets `error`: the file has no such function; the nearest is named. Returns -ENOENT.
int ebs_refuse_symbol(const char *path, const char *name, struct ebs_error *error);

#endif
