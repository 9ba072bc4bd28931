// SPDX-License-Identifier: GPL-2.0-only
// Tracefs: the numbers of tracepoints, and what can be traced.
#include "kernel/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

// A file descriptor of tracefs's root, or -errno.
static int open_tracefs(void)
{
	static const char *const mounts[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		int root = open(mounts[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root < 0)
			continue;
		if (faccessat(root, "events", F_OK, 0) == 0 || errno == EACCES)
			return root;
		close(root);
	}
	int context = fsopen("tracefs", FSOPEN_CLOEXEC);
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

int ebs_tracefs_read(const char *path, struct ebs_buffer *out)
{
	int root = open_tracefs();
	if (root < 0)
		return root;
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	int result = fd < 0 ? -errno : ebs_buffer_read_fd(out, fd);
	if (fd >= 0)
		close(fd);
	close(root);
	return out->failed ? -ENOMEM : result;
}

int ebs_tracefs_functions(const char *glob, struct ebs_buffer *out)
{
	struct ebs_buffer all = { 0 };
	int result = ebs_tracefs_read("available_filter_functions", &all);
	char *rest = all.data;
	char *line;

	while (!result && (line = strsep(&rest, "\n"))) {
		char *module = strchr(line, ' ');

		if (module)
			*module = '\0';
		if (*line && fnmatch(glob, line, 0) == 0)
			ebs_buffer_printf(out, "\n%s", line);
	}
	if (!result)
		ebs_buffer_append_string(out, "\n");
	ebs_buffer_free(&all);
	return out->failed ? -ENOMEM : result;
}

static int read_number(int root, const char *path)
{
	char text[32];
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t size = read(fd, text, sizeof(text) - 1);
	int result = size < 0 ? -errno : 0;
	close(fd);
	if (result)
		return result;
	text[size] = '\0';
	return atoi(text);
}

int ebs_tracepoint_id(const char *category, const char *name, struct ebs_error *error)
{
	int root = open_tracefs();
	if (root == -EPERM || root == -EACCES)
		return ebs_error_explain(error, root,
					 "reading tracepoints needs root: tracefs can't be opened");
	if (root < 0)
		return ebs_error_errno(error, root,
				       "can't open tracefs, which numbers the tracepoints");

	char *path = NULL;
	int id = -ENOMEM;
	if (asprintf(&path, "events/%s/%s/id", category, name) >= 0)
		id = read_number(root, path);
	free(path);
	close(root);
	if (id == -ENOENT)
		return ebs_error_explain(error, id, "this kernel has no tracepoint %s:%s", category,
					 name);
	if (id == -EPERM || id == -EACCES)
		return ebs_error_explain(error, id, "reading tracepoint %s:%s needs root", category,
					 name);
	if (id < 0)
		return ebs_error_errno(error, id, "can't read the number of tracepoint %s:%s",
				       category, name);
	return id;
}
