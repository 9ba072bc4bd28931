// SPDX-License-Identifier: GPL-2.0-only
// A child process that outlives this one for a moment, and takes away what no descriptor holds.
#ifndef EBS_KERNEL_WATCHER_H
#define EBS_KERNEL_WATCHER_H

#include <stdint.h>

// When this process ends, however that comes: removes the clsact filters with that handle from the
// interface. Starts the child when it is the first to be told. Returns 0 or -errno.
int ebs_watcher_tell(int ifindex, uint32_t handle);

#endif
