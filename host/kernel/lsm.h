// SPDX-License-Identifier: GPL-2.0-only
// The security modules that the kernel was started with.
#ifndef EBS_KERNEL_LSM_H
#define EBS_KERNEL_LSM_H

#include <stdbool.h>

#include "base/error.h"

// Whether programs of LSM hooks run here: without "bpf" in the list they load and attach, and
// nobody calls them. False with `why` filled; true also where the list can't be read.
bool ebs_lsm_runs_bpf(struct ebs_error *why);

#endif
