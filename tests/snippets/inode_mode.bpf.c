// SPDX-License-Identifier: GPL-2.0-only
// Typedefs of typedefs: mode, size and device of a file.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct seen {
	umode_t mode;
	loff_t size;
	dev_t device;
	time64_t time;
} seen;

SEC("raw_tp/sched_process_exec")
int inode_mode(struct bpf_raw_tracepoint_args *ctx)
{
	struct linux_binprm *program = (void *)ctx->args[2];
	struct inode *inode = BPF_CORE_READ(program, file, f_inode);

	seen.mode = BPF_CORE_READ(inode, i_mode);
	seen.size = BPF_CORE_READ(inode, i_size);
	seen.device = BPF_CORE_READ(inode, i_sb, s_dev);
	seen.time = bpf_core_field_size(inode->i_sb) ? BPF_CORE_READ(inode, i_sb, s_time_max) : 0;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
