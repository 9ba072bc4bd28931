// SPDX-License-Identifier: GPL-2.0-only
// What the C programs of `bench events` share: the events that events.lua's programs send.
#ifndef BENCH_EVENTS_H
#define BENCH_EVENTS_H

#include <stdbool.h>
#include <unistd.h>

#include "maps.h" // the clock, maps by their ids, answers

// ns of CPU time: what else runs on the machine is to count little.
static inline uint64_t cpu_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return time.tv_sec * UINT64_C(1000000000) + time.tv_nsec;
}

struct event {
	uint64_t ktime;
	uint64_t latency;
	uint32_t pid;
	int32_t ret;
	char comm[16];
};

#endif
