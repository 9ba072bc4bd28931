// SPDX-License-Identifier: GPL-2.0-only
// Why the kernel said EPERM or EACCES: a capability that lacks, a user namespace, lockdown.
#ifndef EBS_KERNEL_PERMISSION_H
#define EBS_KERNEL_PERMISSION_H

#include "base/error.h"
#include "kernel/object.h"

// The program couldn't be loaded: it alone, or it stands for all that the kernel refuses. Fills
// `error`; returns -errno.
int ebs_permission_refuse_load(const struct ebs_program *program, bool alone, int number,
			       struct ebs_error *error);

// The same for a map; `map` describes it: "map \"slots\" (hash, 10 entries)".
int ebs_permission_refuse_map(const char *map, int number, struct ebs_error *error);

// Why perf_event_open(2) says EACCES to who has CAP_PERFMON: Debian's kernels have a level of
// kernel.perf_event_paranoid at which they want CAP_SYS_ADMIN. NULL where that isn't the reason.
const char *ebs_permission_paranoid(void);

// bpf(2) itself isn't there: ENOSYS.
int ebs_permission_refuse_call(int number, struct ebs_error *error);

// The program couldn't be attached. `kind` is that of struct ebs_link_info; `cause` says what
// failed, for where no capability lacks.
int ebs_permission_refuse_attach(const struct ebs_program *program, const char *kind, int number,
				 const char *cause, struct ebs_error *error);

#endif
