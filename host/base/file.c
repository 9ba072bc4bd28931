// SPDX-License-Identifier: GPL-2.0-only
// Whole writes.
#include "base/file.h"

#include <errno.h>
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
