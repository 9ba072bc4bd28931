// SPDX-License-Identifier: GPL-2.0-only
// Cgroups by their numbers. Such a number is that of the folder's inode, and the kernel opens the
// folder by it for who may read everything (CAP_DAC_READ_SEARCH); others look through the tree.
#include "kernel/cgroup_path.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"

// FILEID_KERNFS of the kernel's exportfs.h: the handle is the inode's number, of 8 bytes.
#define KERNFS_HANDLE 0xfe

void ebs_cgroup_tree(char *path, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;

	*path = '\0';
	while (mounts && !*path && (mount = getmntent(mounts)))
		if (strcmp(mount->mnt_type, "cgroup2") == 0)
			snprintf(path, size, "%s", mount->mnt_dir);
	if (mounts)
		endmntent(mounts);
}

// The path of what the descriptor has open. NULL with errno set.
static char *path_of(int fd)
{
	char link[64];
	char path[4096];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t size = readlink(link, path, sizeof(path));
	if (size < 0 || size == sizeof(path))
		return NULL;
	return strndup(path, size);
}

// Returns 0, or -errno: -ESTALE when there is no such cgroup.
static int open_by_id(const char *tree, uint64_t id, char **path)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} by = { .handle = { .handle_bytes = sizeof(id), .handle_type = KERNFS_HANDLE } };
	int mount = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount < 0)
		return -errno;

	memcpy(by.handle.f_handle, &id, sizeof(id));
	int fd = open_by_handle_at(mount, &by.handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd < 0 ? -errno : 0;
	close(mount);
	if (fd >= 0) {
		*path = path_of(fd);
		result = *path ? 0 : -errno;
		close(fd);
	}
	return result;
}

static int look_through(const char *tree, uint64_t id, char **path)
{
	char *roots[] = { (char *)(uintptr_t)tree, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	FTSENT *entry;

	if (!walk)
		return -errno;
	while (!*path && (entry = fts_read(walk)))
		if (entry->fts_info == FTS_D && entry->fts_statp->st_ino == id) {
			*path = strdup(entry->fts_path);
			break;
		}
	fts_close(walk);
	return *path ? 0 : -ESTALE;
}

char *ebs_cgroup_path(uint64_t id, struct ebs_error *error)
{
	char tree[4096];
	char *path = NULL;

	ebs_cgroup_tree(tree, sizeof(tree));
	if (!*tree) {
		ebs_error_explain(error, ENOENT,
				  "no cgroup2 file system is mounted here: mount -t cgroup2 none "
				  "/sys/fs/cgroup");
		return NULL;
	}
	int result = open_by_id(tree, id, &path);
	if (result == -EPERM || result == -EOPNOTSUPP || result == -ENOSYS)
		result = look_through(tree, id, &path);
	if (result == -ESTALE || result == -ENOENT)
		ebs_error_explain(
			error, ENOENT,
			"no cgroup below %s has the number %llu: it is gone, or of another "
			"tree",
			tree, (unsigned long long)id);
	else if (result)
		ebs_error_errno(error, result, "can't look for the cgroup %llu",
				(unsigned long long)id);
	return path;
}
