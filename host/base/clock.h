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

// The same as of the last tick of the kernel's, up to 10 ms ago, for a fifth of the cost.
static inline int64_t ebs_now_coarse_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// What is added to that for CLOCK_REALTIME, in ns; another when somebody sets the clock. It is
// measured between two looks at the one clock: the shortest of some tries counts.
static inline int64_t ebs_realtime_offset_ns(void)
{
	int64_t shortest = INT64_MAX;
	int64_t offset = 0;

	for (int i = 0; i < 5; i++) {
		struct timespec wall;
		int64_t before = ebs_now_ns();
		clock_gettime(CLOCK_REALTIME, &wall);
		int64_t after = ebs_now_ns();

		if (after - before >= shortest)
			continue;
		shortest = after - before;
		offset = wall.tv_sec * INT64_C(1000000000) + wall.tv_nsec - before - shortest / 2;
	}
	return offset;
}

#endif
