// SPDX-License-Identifier: GPL-2.0-only
// Tracefs: the numbers of tracepoints, and what can be traced.
#ifndef EBS_KERNEL_TRACEFS_H
#define EBS_KERNEL_TRACEFS_H

#include "base/buffer.h"
#include "base/error.h"

// The id of a tracepoint for perf_event_open(2), or a negative errno with `error` filled. Where
// tracefs isn't mounted it is opened without a mount, so that the system's mounts stay as they are.
int ebs_tracepoint_id(const char *category, const char *name, struct ebs_error *error);

// There are no tracepoints in tracefs. Fills `error`, returns -ENOENT.
int ebs_tracefs_refuse_empty(struct ebs_error *error);

// Appends a file of tracefs. Returns 0 or -errno; -ENOENT where this kernel hasn't got it.
int ebs_tracefs_read(const char *path, struct ebs_buffer *out);

// Appends the kernel's functions that ftrace knows and the glob matches, a newline before and
// behind each. It takes the kernel some time. Returns 0 or -errno; -ENOENT: this kernel doesn't
// tell.
int ebs_tracefs_functions(const char *glob, struct ebs_buffer *out);

#endif
