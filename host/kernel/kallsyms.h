// SPDX-License-Identifier: GPL-2.0-only
// The kernel's functions by /proc/kallsyms, which everybody may read (without addresses).
#ifndef EBS_KERNEL_KALLSYMS_H
#define EBS_KERNEL_KALLSYMS_H

// Visits functions, those of modules too, until a visit gives another number than 0. Returns that
// number, 0, or -errno.
int ebs_kallsyms_visit(int (*visit)(void *context, const char *name), void *context);

#endif
