// SPDX-License-Identifier: GPL-2.0-only
// --printk: what programs print, on standard error.
#ifndef EBS_SCRIPT_PRINTK_H
#define EBS_SCRIPT_PRINTK_H

#include "script/state.h"

// Before the script runs. Returns 0, or -errno with `error` filled.
int ebs_printk_begin(struct ebs_state *state, struct ebs_error *error);
// Before a run of the loop, which then prints what comes. Returns 0, or -errno with `error` filled.
int ebs_printk_watch(struct ebs_state *state, struct ebs_error *error);
// After the script: prints the rest, and says how much was lost. Does nothing without a beginning.
void ebs_printk_end(struct ebs_state *state);

#endif
