// SPDX-License-Identifier: GPL-2.0-only
// Tracefs: the numbers of tracepoints, and what can be traced.
#include "kernel/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/near.h"
#include "kernel/lockdown.h"
#include "kernel/pseudo_fs.h"

// A file descriptor of tracefs's root, or -errno.
static int open_tracefs(void)
{
	static const char *const mounts[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing",
					      NULL };

	return ebs_pseudo_fs_open("tracefs", mounts, "events");
}

int ebs_tracefs_read(const char *path, struct ebs_buffer *out)
{
	int root = open_tracefs();
	if (root < 0)
		return root;
	int result = ebs_pseudo_fs_read(root, path, out);
	close(root);
	return result;
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
	int number;
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t size = read(fd, text, sizeof(text) - 1);
	int result = size < 0 ? -errno : 0;
	close(fd);
	if (result)
		return result;
	text[size] = '\0';
	return sscanf(text, "%d", &number) == 1 && number >= 0 ? number : -EINVAL;
}

static int refuse_name(const char *category, const char *name, struct ebs_error *error)
{
	struct ebs_buffer events = { 0 };
	struct ebs_near near;
	char full[192];

	snprintf(full, sizeof(full), "%s:%s", category, name);
	ebs_near_begin(&near, full, strlen(full));
	if (!ebs_tracefs_read("available_events", &events))
		ebs_near_offer_lines(&near, events.data);
	int result = ebs_error_explain(error, ENOENT, "this kernel has no tracepoint %s%s", full,
				       ebs_near_text(&near));
	ebs_buffer_free(&events);
	return result;
}

// The way around tracefs.
#define OTHERWISE "; SEC(\"raw_tp/NAME\") and SEC(\"tp_btf/NAME\") need no tracefs"

int ebs_tracefs_refuse_empty(struct ebs_error *error)
{
	char mode[32];
	bool locked = strcmp(ebs_lockdown_mode(mode, sizeof(mode)), "confidentiality") == 0;

	return ebs_error_explain(error, ENOENT,
				 "this kernel's tracefs, which numbers the tracepoints, is empty: "
				 "%s" OTHERWISE,
				 locked ? "it is locked down (confidentiality)"
					: "it is built without CONFIG_EVENT_TRACING");
}

int ebs_tracepoint_id(const char *category, const char *name, struct ebs_error *error)
{
	int root = open_tracefs();
	if (root == -EPERM || root == -EACCES)
		return ebs_error_explain(
			error, root,
			"tracefs, which numbers the tracepoints, isn't mounted where this process "
			"sees "
			"it, and mounting it needs CAP_SYS_ADMIN: mount -t tracefs tracefs "
			"/sys/kernel/tracing" OTHERWISE);
	if (root < 0)
		return ebs_error_errno(error, root,
				       "can't open tracefs, which numbers the tracepoints");

	char *path = NULL;
	int id = -ENOMEM;
	if (asprintf(&path, "events/%s/%s/id", category, name) >= 0)
		id = read_number(root, path);
	free(path);
	bool empty = id == -ENOENT && faccessat(root, "events", F_OK, 0) && errno == ENOENT;
	close(root);
	if (empty)
		return ebs_tracefs_refuse_empty(error);
	if (id == -ENOENT)
		return refuse_name(category, name, error);
	if (id == -EPERM || id == -EACCES)
		return ebs_error_explain(error, id,
					 "the number of tracepoint %s:%s is for root to read in "
					 "tracefs, or for who has "
					 "CAP_DAC_READ_SEARCH" OTHERWISE,
					 category, name);
	if (id < 0)
		return ebs_error_errno(error, id, "can't read the number of tracepoint %s:%s",
				       category, name);
	return id;
}
