// SPDX-License-Identifier: GPL-2.0-only
// A user and a group of the process's own, that nothing else has.
#ifndef EBS_BASE_OWN_USER_H
#define EBS_BASE_OWN_USER_H

#include "base/error.h"

// Changes to a user and a group with one random number, which no process has, no list of this
// machine's users names, and no service is given; without other groups, and with a new session
// keyring. Capabilities that are permitted stay so, and in use. Once it has succeeded, calling it
// again does nothing. Returns 0, or -errno with `error` filled; then nothing has changed.
int ebs_own_user_take(struct ebs_error *error);

#endif
