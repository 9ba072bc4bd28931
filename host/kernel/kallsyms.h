// SPDX-License-Identifier: GPL-2.0-only
// The kernel's functions by /proc/kallsyms, which everybody may read (without addresses).
#ifndef EBS_KERNEL_KALLSYMS_H
#define EBS_KERNEL_KALLSYMS_H

#include "base/error.h"

// Visits functions, those of modules too, until a visit gives another number than 0. Returns that
// number, 0, or -errno.
int ebs_kallsyms_visit(int (*visit)(void *context, const char *name), void *context);

// Sets `error`: the kernel has no function of that name; the nearest one is named. Returns -ENOENT.
int ebs_kallsyms_refuse(const char *name, struct ebs_error *error);

#endif
