// SPDX-License-Identifier: GPL-2.0-only
// The system call perf_event_open(2), which the C library has no function for.
#ifndef EBS_KERNEL_PERF_EVENT_H
#define EBS_KERNEL_PERF_EVENT_H

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// An event of a process (-1: all) on a CPU (-1: any). Returns a descriptor of the caller's, or
// -errno.
static inline int ebs_perf_event_open(struct perf_event_attr *attributes, pid_t pid, int cpu)
{
	attributes->size = sizeof(*attributes);
	int fd = syscall(SYS_perf_event_open, attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

#endif
