// SPDX-License-Identifier: GPL-2.0-only
// Layouts that the kernel prescribes, whatever a program's BTF says.
#ifndef EBS_TYPES_BUILTIN_H
#define EBS_TYPES_BUILTIN_H

#include "types/layout.h"

// "u32", "u64", and of the values of device and CPU maps "struct bpf_devmap_val" and "struct
// bpf_cpumap_val", in which `program` stands for the union of a program's descriptor and its id.
// Lives as long as the process. NULL when memory is short.
const struct ebs_layout *ebs_builtin_layout(const char *name);

#endif
