// SPDX-License-Identifier: GPL-2.0-only
// What keeps even root from some of what BPF can do: kernel lockdown, the list of security modules.
#ifndef EBS_KERNEL_LOCKDOWN_H
#define EBS_KERNEL_LOCKDOWN_H

#include <stdbool.h>
#include <stddef.h>

// Puts the mode into `mode`: "none", "integrity" or "confidentiality", or "unknown" where the
// kernel doesn't tell. Returns `mode`.
const char *ebs_lockdown_mode(char *mode, size_t size);

// Whether the kernel, which takes LSM programs anyway, also runs them: "bpf" is in its list of
// security modules, which is put into `modules`. True where the kernel doesn't tell.
bool ebs_lockdown_runs_lsm(char *modules, size_t size);

#endif
