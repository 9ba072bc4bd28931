// SPDX-License-Identifier: GPL-2.0-only
// The kernel's functions that names and globs mean.
#ifndef EBS_KERNEL_FUNCTION_LIST_H
#define EBS_KERNEL_FUNCTION_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct ebs_function {
	char *name;
	uint32_t wanted; // which of the names and globs meant it first
	bool is_chosen;  // by a glob: nobody named it
};

// Start with { 0 }.
struct ebs_function_list {
	struct ebs_function *items;
	uint32_t count;
	uint32_t capacity;
};

// Appends what `count` names and globs mean, in their order; those of a glob by name, none twice.
// Returns 0, or a negative errno with `error` filled: a name or a glob means nothing.
int ebs_function_list_find(struct ebs_function_list *list, const char *const *names, uint32_t count,
			   struct ebs_error *error);

void ebs_function_list_free(struct ebs_function_list *list);

#endif
