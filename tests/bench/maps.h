// SPDX-License-Identifier: GPL-2.0-only
// What the C programs of `bench maps` share: the maps that maps.lua made, and the clock.
#ifndef BENCH_MAPS_H
#define BENCH_MAPS_H

#include <bpf/bpf.h>
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH 4096

struct value {
	uint64_t count;
	uint64_t bytes;
};

static inline uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * UINT64_C(1000000000) + time.tv_nsec;
}

// The map with this id, which maps.lua told.
static inline int open_map(const char *id)
{
	int fd = bpf_map_get_fd_by_id((uint32_t)strtoul(id, NULL, 10));

	if (fd < 0)
		err(1, "map %s", id);
	return fd;
}

// What a command gives: how many entries were seen, ns, and the sum of their counts.
static inline void answer(uint64_t entries, uint64_t ns, uint64_t sum)
{
	printf("%llu %llu %llu\n", (unsigned long long)entries, (unsigned long long)ns,
	       (unsigned long long)sum);
	fflush(stdout);
}

#endif
