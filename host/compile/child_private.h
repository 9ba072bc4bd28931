// SPDX-License-Identifier: GPL-2.0-only
// What a child process of compile/child and its parent share.
#ifndef EBS_COMPILE_CHILD_PRIVATE_H
#define EBS_COMPILE_CHILD_PRIVATE_H

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "compile/child.h"

struct ebs_child_channels {
	int object;
	int messages;
	int errors[2]; // a pipe: read end, write end
	int input;
	int go[2];                                // sockets: the child's, the parent's
	const volatile sig_atomic_t *interrupted; // see ebs_child_start()
};

// The child's last word, for a parent that need not wait until the kernel has taken its memory
// apart.
struct ebs_child_end {
	int status; // as waitpid() gives it
	struct rusage usage;
};

// All of the new process's life: calls `function` and ends with its status.
_Noreturn void ebs_child_live(pid_t parent, const struct ebs_child_channels *channels,
			      ebs_child_function *function, const void *context);

#endif
