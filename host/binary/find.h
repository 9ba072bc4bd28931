// SPDX-License-Identifier: GPL-2.0-only
// Executables and libraries by the names that people give them.
#ifndef EBS_BINARY_FIND_H
#define EBS_BINARY_FIND_H

#include "base/error.h"

// The path of "/bin/bash", "bash" (along PATH), "libc.so.6", or "c" (the newest libc.so.N where the
// loader looks for libraries). Owned by the caller; NULL with `error` filled.
char *ebs_binary_find(const char *name, struct ebs_error *error);

#endif
