// SPDX-License-Identifier: GPL-2.0-only
// Names in SEC() that mean no kind of programs, though somebody wrote them.
#ifndef EBS_KERNEL_SECTION_NAME_H
#define EBS_KERNEL_SECTION_NAME_H

#include "base/error.h"
#include "kernel/object.h"

// Gives the program another section than the C does, between open and load. Returns 0, or -EINVAL
// with `error` filled: there is no such kind, or the C itself has to say it.
int ebs_program_set_section(struct ebs_program *program, const char *section,
			    struct ebs_error *error);

// Refuses the first program that is to be loaded and whose section is of no kind, and an object
// whose functions have no SEC() at all. Returns 0, or -EINVAL with `error` filled.
int ebs_object_check_sections(struct ebs_object *object, struct ebs_error *error);

#endif
