// SPDX-License-Identifier: GPL-2.0-only
// What programs can be attached to on this machine: `ebscript -l`.
#ifndef EBS_KERNEL_PROBE_LIST_H
#define EBS_KERNEL_PROBE_LIST_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"

// Appends a line for each probe that the pattern matches, sorted, as SEC() takes it:
// "tracepoint/sched/sched_switch". With `details`, its parameters follow, a line each, indented.
//
// Patterns are KIND:GLOB or KIND/GLOB ("tracepoint:sched:*", "kprobe:vfs_*"), of what is in files
// KIND:FILE:GLOB ("uprobe:/bin/bash:read*", "usdt:libc.so.6:*"), or a GLOB alone, for all kinds
// that are quick to read. NULL means "*". Returns how many there are, or a negative errno with
// `error` filled.
//
// `refused` gets a line with the reason for each kind of these, and each iterator, that the kernel
// takes no programs of; none where this process may not ask it.
int ebs_probes_list(const char *pattern, bool details, struct ebs_buffer *out,
		    struct ebs_buffer *refused, struct ebs_error *error);

#endif
