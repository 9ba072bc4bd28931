// SPDX-License-Identifier: GPL-2.0-only
// Giving up privileges, and being root, once programs are attached.
#ifndef EBS_KERNEL_PRIVILEGES_H
#define EBS_KERNEL_PRIVILEGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

// Changes to a user of its own (base/own_user.h), and gives up all capabilities that aren't in
// `kept`, as ebs_capabilities_drop() does, and the right to write files (base/landlock.h). With
// `keep_uid` it stays the user that it is. Where this kernel lets nobody read maps without one
// (before Linux 5.19), it is kept as well, and `*kept_for_maps` names it; else that is NULL.
// Returns 0, or -errno with `error` filled.
int ebs_privileges_drop(uint64_t kept, bool keep_uid, const char **kept_for_maps,
			struct ebs_error *error);

// Whether any were given up.
bool ebs_privileges_are_dropped(void);

#endif
