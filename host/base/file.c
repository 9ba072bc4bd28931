// SPDX-License-Identifier: GPL-2.0-only
// Whole writes; how many files may be open.
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

int ebs_write_all(int fd, const void *data, size_t size)
{
	const char *next = data;

	while (size) {
		ssize_t written = write(fd, next, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		next += written;
		size -= written;
	}
	return 0;
}

const char *ebs_open_files_limit(void)
{
	static char text[64];
	struct rlimit limit = { 0 };

	getrlimit(RLIMIT_NOFILE, &limit);
	snprintf(text, sizeof(text), "%llu: `ulimit -n NUMBER` raises that",
		 (unsigned long long)limit.rlim_cur);
	return text;
}
