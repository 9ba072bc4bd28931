// SPDX-License-Identifier: GPL-2.0-only
// Kernel lockdown, which keeps even root from some of what BPF can do.
#include "kernel/lockdown.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/pseudo_fs.h"

// The file reads "none [integrity] confidentiality".
const char *ebs_lockdown_mode(char *mode, size_t size)
{
	static const char *const mounts[] = { "/sys/kernel/security", NULL };
	struct ebs_buffer text = { 0 };
	int root = ebs_pseudo_fs_open("securityfs", mounts, "lockdown");
	int result = root < 0 ? root : ebs_pseudo_fs_read(root, "lockdown", &text);
	const char *open = result ? NULL : strchr(text.data, '[');

	if (open)
		snprintf(mode, size, "%.*s", (int)strcspn(open + 1, "]"), open + 1);
	else
		snprintf(mode, size, "unknown");
	ebs_buffer_free(&text);
	if (root >= 0)
		close(root);
	return mode;
}
