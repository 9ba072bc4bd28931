// SPDX-License-Identifier: GPL-2.0-only
// The kernel's own file systems, mounted or not.
#include "kernel/pseudo_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

static int mount_privately(const char *type)
{
	int context = fsopen(type, FSOPEN_CLOEXEC);
	if (context < 0)
		return -errno;
	int root = -1;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		root = fsmount(context, FSMOUNT_CLOEXEC, 0);
	if (root < 0)
		root = -errno;
	close(context);
	return root;
}

int ebs_pseudo_fs_open(const char *type, const char *const *mounts, const char *proof)
{
	for (; *mounts; mounts++) {
		int root = open(*mounts, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root < 0)
			continue;
		if (faccessat(root, proof, F_OK, 0) == 0 || errno == EACCES)
			return root;
		close(root);
	}
	return mount_privately(type);
}

int ebs_pseudo_fs_read(int root, const char *path, struct ebs_buffer *out)
{
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = ebs_buffer_read_fd(out, fd);
	close(fd);
	return !result && out->failed ? -ENOMEM : result;
}
