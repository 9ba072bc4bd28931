// SPDX-License-Identifier: GPL-2.0-only
// Global variables of an object's C, in place.
#ifndef EBS_KERNEL_GLOBALS_H
#define EBS_KERNEL_GLOBALS_H

#include "kernel/object.h"

struct ebs_global {
	const char *name;    // of a static variable inside a function: "function.name"
	const char *section; // ".bss", ".data.mine"
	const struct ebs_layout *layout;
	uint8_t *data; // in memory that programs share; NULL: this kernel doesn't share it
	bool constant; // in .rodata: not to be written
};

// The loaded object's variables, which are mapped when first asked for, until it closes. NULL with
// `error` filled.
const struct ebs_global *ebs_object_globals(struct ebs_object *object, size_t *count,
					    struct ebs_error *error);

#endif
