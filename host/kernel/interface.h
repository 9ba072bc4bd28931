// SPDX-License-Identifier: GPL-2.0-only
// Network interfaces by name and number, in the network namespace of this process.
#ifndef EBS_KERNEL_INTERFACE_H
#define EBS_KERNEL_INTERFACE_H

#include "base/error.h"

// The interface's number, or -ENODEV with `error` filled, which tells the nearest name.
int ebs_interface_find(const char *name, struct ebs_error *error);

#endif
