// SPDX-License-Identifier: GPL-2.0-only
// The clock that bpf_ktime_get_ns() reads in the kernel.
#ifndef EBS_BASE_CLOCK_H
#define EBS_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

// CLOCK_MONOTONIC, in ns. May be called in a signal handler.
static inline int64_t ebs_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

#endif
