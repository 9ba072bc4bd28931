// SPDX-License-Identifier: GPL-2.0-only
// What keeps even root from some of what BPF can do: kernel lockdown, the list of security modules.
#include "kernel/lockdown.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/pseudo_fs.h"

static int read_file(const char *name, struct ebs_buffer *out)
{
	static const char *const mounts[] = { "/sys/kernel/security", NULL };
	int root = ebs_pseudo_fs_open("securityfs", mounts, name);
	int result = root < 0 ? root : ebs_pseudo_fs_read(root, name, out);

	if (root >= 0)
		close(root);
	return result;
}

// The file reads "none [integrity] confidentiality".
const char *ebs_lockdown_mode(char *mode, size_t size)
{
	struct ebs_buffer text = { 0 };
	const char *open = read_file("lockdown", &text) ? NULL : strchr(text.data, '[');

	if (open)
		snprintf(mode, size, "%.*s", (int)strcspn(open + 1, "]"), open + 1);
	else
		snprintf(mode, size, "unknown");
	ebs_buffer_free(&text);
	return mode;
}

// The file reads "lockdown,capability,bpf".
bool ebs_lockdown_runs_lsm(char *modules, size_t size)
{
	struct ebs_buffer text = { 0 };
	bool runs = read_file("lsm", &text) != 0;

	snprintf(modules, size, "%s", runs ? "" : text.data);
	ebs_buffer_free(&text);
	for (const char *name = modules; !runs && *name; name += strspn(name, ",\n")) {
		size_t length = strcspn(name, ",\n");

		runs = length == 3 && strncmp(name, "bpf", length) == 0;
		name += length;
	}
	return runs;
}
