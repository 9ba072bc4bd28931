// SPDX-License-Identifier: GPL-2.0-only
// Files in general: whole writes, single numbers, standard input and output, how many may be open,
// closing the rest.
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
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

int ebs_read_number(const char *path, int otherwise)
{
	FILE *file = fopen(path, "re");
	int number = otherwise;

	if (file && fscanf(file, "%d", &number) != 1)
		number = otherwise;
	if (file)
		fclose(file);
	return number;
}

int ebs_open_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) // the lowest number
			return -errno;
	return 0;
}

int ebs_need_files(unsigned count)
{
	int fd = count ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0) : -1;
	int result = count && fd < 0 ? -errno : 0;

	if (fd >= 0) {
		result = ebs_need_files(count - 1);
		close(fd);
	}
	return result;
}

void ebs_close_from(int first)
{
	struct rlimit limit = { .rlim_cur = 1024 };

	if (!close_range((unsigned)first, ~0U, 0))
		return;
	getrlimit(RLIMIT_NOFILE, &limit); // before Linux 5.9, or by an old container's policy
	for (rlim_t fd = (rlim_t)first; fd < limit.rlim_cur; fd++)
		close((int)fd);
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
