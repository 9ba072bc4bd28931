// SPDX-License-Identifier: GPL-2.0-only
// How many CPUs the kernel keeps values for.
#include "kernel/cpus.h"

#include <bpf/libbpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_CPUS 8192 // that a kernel can be built for

unsigned ebs_possible_cpus(void)
{
	unsigned long mask[MOST_CPUS / (8 * sizeof(unsigned long))];
	int cpus = libbpf_num_possible_cpus();

	if (cpus > 0)
		return (unsigned)cpus;
	// The system call itself returns how many bytes the kernel's masks have. glibc's doesn't.
	long bytes = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	return bytes > 0 ? (unsigned)bytes * 8 : MOST_CPUS;
}
