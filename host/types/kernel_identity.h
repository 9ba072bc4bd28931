// SPDX-License-Identifier: GPL-2.0-only
// Which kernel runs, as far as its types are concerned.
#ifndef EBS_TYPES_KERNEL_IDENTITY_H
#define EBS_TYPES_KERNEL_IDENTITY_H

#include "base/buffer.h"

#define EBS_KERNEL_BTF "/sys/kernel/btf/vmlinux"

// Appends bytes that differ between any two kernels with different types: version, build id, size
// of the BTF. Reads none of the BTF. Returns 0, or -errno (-ENOENT: this kernel has no BTF).
int ebs_kernel_identity(struct ebs_buffer *out);

#endif
