// SPDX-License-Identifier: GPL-2.0-only
// What an entry of a storage map belongs to, as a descriptor: a process, a cgroup, a file.
#include "kernel/map_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/attach_private.h"

// A thread that leads no process needs Linux 6.9, and this flag.
#define PIDFD_THREAD O_EXCL

static int open_process(int pid, struct ebs_error *error)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0 && (errno == EINVAL || errno == ENOENT))
		fd = (int)syscall(SYS_pidfd_open, pid, PIDFD_THREAD);
	if (fd >= 0)
		return fd;
	if (errno == ESRCH)
		return ebs_error_explain(error, errno, "there is no process %d", pid);
	return ebs_error_errno(error, errno, "can't open process %d", pid);
}

static int open_file(const char *path, struct ebs_error *error)
{
	int fd = open(path, O_CLOEXEC | O_PATH);

	return fd < 0 ? ebs_error_errno(error, errno, "can't open file \"%s\"", path) : fd;
}

int ebs_map_owner_open(struct ebs_map_owner *owner, uint8_t *out, struct ebs_error *error)
{
	if (owner->kind == EBS_OWNER_NONE)
		return 0;
	if (owner->kind == EBS_OWNER_PID)
		owner->fd = open_process(owner->number, error);
	else if (owner->kind == EBS_OWNER_CGROUP)
		owner->fd = ebs_cgroup_open(owner->path, error);
	else if (owner->kind != EBS_OWNER_FD)
		owner->fd = open_file(owner->path, error);
	if (owner->fd < 0)
		return owner->fd;
	memcpy(out, &owner->fd, sizeof(owner->fd));
	return 0;
}

void ebs_map_owner_close(struct ebs_map_owner *owner)
{
	if (owner->kind > EBS_OWNER_FD && owner->fd >= 0)
		close(owner->fd);
	owner->fd = -1;
}
