// SPDX-License-Identifier: GPL-2.0-only
// libbpf's own words, kept for error texts or shown as they come.
#ifndef EBS_KERNEL_LOG_H
#define EBS_KERNEL_LOG_H

#include <stdbool.h>

// From now on libbpf's messages are collected; with `verbose` all of them go to standard error as
// well.
void ebs_log_init(bool verbose);

// Tells something of our own, with `verbose` only.
__attribute__((format(printf, 1, 2))) void ebs_log_note(const char *format, ...);

// Forgets what was collected.
void ebs_log_clear(void);

// The warnings since ebs_log_clear(), static until the next libbpf call.
const char *ebs_log_text(void);

#endif
