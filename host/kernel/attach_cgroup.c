// SPDX-License-Identifier: GPL-2.0-only
// Programs on cgroups of version 2.
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kernel/attach_private.h"
#include "kernel/cgroup_path.h"

static int refuse(const char *path, int number, const char *why, struct ebs_error *error)
{
	char tree[256];

	ebs_cgroup_tree(tree, sizeof(tree));
	if (!*tree)
		return ebs_error_explain(
			error, number,
			"\"%s\" %s; no cgroup2 file system is mounted here: mount -t "
			"cgroup2 none /sys/fs/cgroup",
			path, why);
	return ebs_error_explain(error, number,
				 "\"%s\" %s; cgroups of version 2 are the folders of %s", path, why,
				 tree);
}

int ebs_cgroup_open(const char *path, struct ebs_error *error)
{
	struct statfs system = { 0 };
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return refuse(path, errno, "isn't there", error);
	if (fd < 0 && errno == ENOTDIR)
		return refuse(path, errno, "is no cgroup, but a file", error);
	if (fd < 0)
		return ebs_error_errno(error, errno, "can't open cgroup \"%s\"", path);
	if (fstatfs(fd, &system) || system.f_type != CGROUP2_SUPER_MAGIC) {
		close(fd);
		return refuse(path, EBADF,
			      system.f_type == CGROUP_SUPER_MAGIC
				      ? "is a cgroup of version 1, which takes no programs"
				      : "is no cgroup",
			      error);
	}
	return fd;
}

int ebs_attach_cgroup(struct ebs_program *program, const struct ebs_attach_options *options,
		      struct ebs_link *link, struct ebs_error *error)
{
	const char *path = options->values[EBS_ATTACH_CGROUP].text;
	int fd = ebs_cgroup_open(path, error);
	if (fd < 0)
		return fd;
	int result = ebs_link_add(link, bpf_program__attach_cgroup(program->handle, fd));

	close(fd);
	if (result == -EPERM && geteuid() == 0)
		return ebs_error_explain(
			error, result,
			"cgroup \"%s\", or one above it, has a program that lets no other "
			"join it (attached without BPF_F_ALLOW_MULTI): detach that one "
			"first (bpftool cgroup tree)",
			path);
	return result ? ebs_error_errno(error, result, "can't attach to cgroup \"%s\"", path) : 0;
}
