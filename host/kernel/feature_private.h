// SPDX-License-Identifier: GPL-2.0-only
// What the files of feature.h share.
#ifndef EBS_KERNEL_FEATURE_PRIVATE_H
#define EBS_KERNEL_FEATURE_PRIVATE_H

#include <stdbool.h>

#include "base/error.h"

// Whether the kernel has programs of the section's type at all.
bool ebs_has_program_type(const char *section, struct ebs_error *why);

#endif
