// SPDX-License-Identifier: GPL-2.0-only
// The security modules that the kernel was started with: what `lsm=` says, or CONFIG_LSM.
#include "kernel/lsm.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kernel/pseudo_fs.h"

// "lockdown,capability,bpf"
static bool has_bpf(const char *list)
{
	size_t length;

	for (; *list; list += length + (list[length] == ',')) {
		length = strcspn(list, ",\n");
		if (length == 3 && strncmp(list, "bpf", 3) == 0)
			return true;
		if (list[length] == '\n')
			break;
	}
	return false;
}

bool ebs_lsm_runs_bpf(struct ebs_error *why)
{
	static const char *const mounts[] = { "/sys/kernel/security", NULL };
	struct ebs_buffer list = { 0 };
	int root = ebs_pseudo_fs_open("securityfs", mounts, "lsm");
	bool known = root >= 0 && !ebs_pseudo_fs_read(root, "lsm", &list) && list.size;
	bool runs = !known || has_bpf(list.data);

	if (!runs) {
		int length = (int)strcspn(list.data, "\n");

		ebs_error_explain(
			why, EOPNOTSUPP,
			"nothing calls programs of LSM hooks on this kernel: bpf isn't among its "
			"security modules (%.*s); boot it with lsm=%.*s%sbpf",
			length, list.data, length, list.data, length ? "," : "");
	}
	ebs_buffer_free(&list);
	if (root >= 0)
		close(root);
	return runs;
}
