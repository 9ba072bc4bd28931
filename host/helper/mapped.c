// SPDX-License-Identifier: GPL-2.0-only
// The files that processes run from.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/process.h"

// Whether /proc/PID/maps has an executable mapping of a file at just this range. Returns 0 or
// -errno. Of a line ("START-END PERMS OFFSET DEVICE INODE PATH", proc_pid_maps(5)) only what stands
// before the path is read: that is somebody else's choice.
static int check(pid_t pid, uint64_t start, uint64_t end)
{
	char path[64];
	char line[128];
	bool begins = true; // of a line
	int result = -ENOENT;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return -errno;
	while (result == -ENOENT && fgets(line, sizeof(line), file)) {
		uint64_t first, last, inode;
		char permissions[8];

		if (begins &&
		    sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*x %*s %" SCNu64, &first, &last,
			   permissions, &inode) == 4 &&
		    first == start && last == end)
			result = permissions[2] == 'x' && inode ? 0 : -EACCES;
		begins = strchr(line, '\n');
	}
	fclose(file);
	return result;
}

int ebs_mapped_open(pid_t pid, uint64_t start, uint64_t end)
{
	char path[96];
	struct stat status;
	int result = pid > 0 ? check(pid, start, end) : -ESRCH;

	if (result)
		return result;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid, start,
		 end);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &status) && S_ISREG(status.st_mode))
		return fd;
	close(fd);
	return -EACCES;
}
