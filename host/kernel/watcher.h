// SPDX-License-Identifier: GPL-2.0-only
// A child process that outlives this one for a moment, and takes away what no descriptor holds.
#ifndef EBS_KERNEL_WATCHER_H
#define EBS_KERNEL_WATCHER_H

#include <stdint.h>

// What shall be done when this process ends, however that comes. The first call starts the child.
// Both return 0 or -errno.

// Removes the clsact filters with that handle from the interface.
int ebs_watcher_remove_filters(int ifindex, uint32_t handle);

// Unregisters the struct_ops map.
int ebs_watcher_unregister(int map);

#endif
