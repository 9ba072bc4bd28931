// SPDX-License-Identifier: GPL-2.0-only
// BPF_LINK_CREATE for kinds of links that the libbpf and the headers of a build may not know yet.
#include "kernel/link_create.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(offsetof(struct ebs_link_attributes, kprobe_multi.symbols) == 24,
	       "the kernel's layout");
_Static_assert(offsetof(struct ebs_link_attributes, uprobe_multi.pid) == 56, "the kernel's layout");

// The kernel refuses bytes that it doesn't know, unless they are 0.
int ebs_link_create(const struct ebs_link_attributes *attributes)
{
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, attributes, sizeof(*attributes));

	return fd < 0 ? -errno : (int)fd;
}
