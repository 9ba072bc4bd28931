// SPDX-License-Identifier: GPL-2.0-only
// Calls getppid() so many times a second: rows_producer RATE SECONDS. Waits for a line first, and
// then prints how often it called, and how long it took in ns.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	double rate = atof(argv[1]);
	int64_t length = (int64_t)(atof(argv[2]) * 1e9);
	int64_t called = 0;

	getchar();
	int64_t start = now();
	for (;;) {
		int64_t spent = now() - start;
		int64_t wanted = (int64_t)(rate * (double)(spent < length ? spent : length) / 1e9);

		if (spent >= length)
			break;
		for (; called < wanted; called++)
			syscall(SYS_getppid);
	}
	printf("%lld %lld\n", (long long)called, (long long)(now() - start));
	return 0;
}
