// SPDX-License-Identifier: GPL-2.0-only
// Kernel lockdown, which keeps even root from some of what BPF can do.
#ifndef EBS_KERNEL_LOCKDOWN_H
#define EBS_KERNEL_LOCKDOWN_H

#include <stddef.h>

// Puts the mode into `mode`: "none", "integrity" or "confidentiality", or "unknown" where the
// kernel doesn't tell. Returns `mode`.
const char *ebs_lockdown_mode(char *mode, size_t size);

#endif
