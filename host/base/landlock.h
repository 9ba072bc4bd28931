// SPDX-License-Identifier: GPL-2.0-only
// Landlock: rights that a process takes from itself, whoever it runs as.
#ifndef EBS_BASE_LANDLOCK_H
#define EBS_BASE_LANDLOCK_H

#include <stdbool.h>

// Takes from this thread, and from what it will start, the right to change what is in any file or
// folder. What is open already is not concerned. `outward`: it may still write to /dev/null, but
// sends no signals to processes that were there before, and connects to no abstract socket of
// theirs (Linux 6.12). Needs no_new_privs. Returns 0, also where this kernel has no Landlock
// (before 5.13, or switched off), or -errno.
int ebs_landlock_forbid_writing(bool outward);

#endif
