// SPDX-License-Identifier: GPL-2.0-only
// What the kernel's modules bring in types, beside vmlinux.
#ifndef EBS_TYPES_MODULES_H
#define EBS_TYPES_MODULES_H

#include <stdbool.h>

#include "base/buffer.h"

// Where the kernel shows the BTF of vmlinux and of each module as a file.
#define EBS_MODULES_FOLDER "/sys/kernel/btf"

// Appends a text that changes when a module with BTF comes or goes; never an empty one. Returns 0
// or -errno.
int ebs_modules_list(const char *folder, struct ebs_buffer *out);

// Whether a module has one of `names`, each of which ends with a NUL, with or without ___flavor.
// True as well where that can't be told.
bool ebs_modules_have(const char *folder, const struct ebs_buffer *names);

#endif
