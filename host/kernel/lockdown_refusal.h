// SPDX-License-Identifier: GPL-2.0-only
// What a locked kernel refuses, and what to use in its place.
#ifndef EBS_KERNEL_LOCKDOWN_REFUSAL_H
#define EBS_KERNEL_LOCKDOWN_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "kernel/object.h"

// Whether lockdown is in this mode ("integrity", "confidentiality") or a stricter one. `mode` gets
// its name.
bool ebs_is_locked_down(const char *at_least, char *mode, size_t size);

// The program, which sees or changes the kernel, couldn't be loaded while others can. Returns 0
// when lockdown isn't the reason, else -errno with `error` filled.
int ebs_lockdown_refuse_load(const struct ebs_program *program, int number,
			     struct ebs_error *error);

// The kprobe couldn't be attached; `doing` names it. Fills `error`; returns -errno.
int ebs_lockdown_refuse_kprobe(const struct ebs_program *program, const char *doing,
			       const char *mode, int number, struct ebs_error *error);

#endif
