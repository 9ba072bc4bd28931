// SPDX-License-Identifier: GPL-2.0-only
// TC programs as filters of a clsact qdisc: the way before TCX (Linux 6.6). No descriptor holds
// such a filter, so it would outlive a process that is killed.
#ifndef EBS_KERNEL_CLSACT_H
#define EBS_KERNEL_CLSACT_H

#include <stdbool.h>

#include "kernel/attach_link_private.h"
#include "kernel/object.h"

// Attaches, and takes away what killed processes of ebscript have left on the interface. Returns 0
// or -errno.
int ebs_clsact_attach(const struct ebs_program *program, unsigned ifindex, bool egress,
		      struct ebs_link *link);

// Whether the filter of such a part is no longer there.
bool ebs_clsact_is_gone(const struct ebs_link_part *part);

// Takes all filters with this handle from both sides of the interface.
void ebs_clsact_remove(int ifindex, uint32_t handle);

#endif
