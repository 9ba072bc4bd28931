// SPDX-License-Identifier: GPL-2.0-only
// Giving up privileges once programs are attached.
#ifndef EBS_KERNEL_PRIVILEGES_H
#define EBS_KERNEL_PRIVILEGES_H

#include <stdint.h>

// Gives up all capabilities that aren't in `kept`, as ebs_capabilities_drop() does. Where this
// kernel lets nobody read maps without one (before Linux 5.19), it is kept as well, and
// `*kept_for_maps` names it; else that is NULL. Returns 0 or -errno.
int ebs_privileges_drop(uint64_t kept, const char **kept_for_maps);

#endif
