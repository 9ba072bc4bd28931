// SPDX-License-Identifier: GPL-2.0-only
// The running kernel's own types.
#ifndef EBS_TYPES_KERNEL_BTF_H
#define EBS_TYPES_KERNEL_BTF_H

#include <stddef.h>

#include "base/error.h"

// The C text that #include "vmlinux.h" stands for: every type of the running kernel, marked so that
// accesses to them are relocated (CO-RE). Made on the first call and kept until ebs_kernel_header_free().
// NULL with `error` filled when the kernel has no BTF.
const char *ebs_kernel_header(size_t *size, struct ebs_error *error);
void ebs_kernel_header_free(void);

#endif
