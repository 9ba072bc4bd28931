// SPDX-License-Identifier: GPL-2.0-only
// Preloaded: makes the surroundings odd when main() is about to begin, as EBS_ODD_START says:
// "limit RESOURCE VALUE" or "filter NUMBER ERRNO", the latter for a system call.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static int set_limit(unsigned resource, unsigned long value)
{
	struct rlimit limit;

	if (getrlimit((int)resource, &limit))
		return -1;
	if (value > limit.rlim_max) // raising it may not be allowed
		value = limit.rlim_max;
	limit = (struct rlimit){ value, value };
	return setrlimit((int)resource, &limit);
}

static int set_filter(unsigned number, unsigned long error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void __attribute__((constructor)) begin(void)
{
	const char *text = getenv("EBS_ODD_START");
	unsigned long value;
	unsigned number;
	int failed = 0;

	unsetenv("LD_PRELOAD");
	if (!text)
		return;
	if (sscanf(text, "limit %u %lu", &number, &value) == 2)
		failed = set_limit(number, value);
	else if (sscanf(text, "filter %u %lu", &number, &value) == 2)
		failed = set_filter(number, value);
	if (failed) {
		dprintf(STDERR_FILENO, "odd_start: can't do \"%s\"\n", text);
		_exit(99);
	}
}
