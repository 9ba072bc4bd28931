// SPDX-License-Identifier: GPL-2.0-only
// The numbers of tracepoints, which only tracefs tells.
#ifndef EBS_KERNEL_TRACEFS_H
#define EBS_KERNEL_TRACEFS_H

#include "base/error.h"

// The id of a tracepoint for perf_event_open(2), or a negative errno with `error` filled. Where
// tracefs isn't mounted it is opened without a mount, so that the system's mounts stay as they are.
int ebs_tracepoint_id(const char *category, const char *name, struct ebs_error *error);

#endif
