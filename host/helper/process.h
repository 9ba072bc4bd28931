// SPDX-License-Identifier: GPL-2.0-only
// The helper's own process.
#ifndef EBS_HELPER_PROCESS_H
#define EBS_HELPER_PROCESS_H

#include "helper/helper.h"

struct ebs_helper_start {
	int socket; // for requests and replies
	int ended;  // where the command's status is sent; -1 without one
	pid_t command;
	int command_go; // what starts it
	ebs_helper_act *const *acts;
	unsigned act_count;
};

_Noreturn void ebs_helper_live(const struct ebs_helper_start *start);

// The command's process, a child of this one, waits until it is started through `*go`. Returns its
// pid or -errno.
pid_t ebs_command_prepare(char *const *arguments, int *go);
// Returns 0 when it runs, or -errno.
int ebs_command_start(int go);

// As ebs_helper_open_mapped().
int ebs_mapped_open(pid_t pid, uint64_t start, uint64_t end);

#endif
