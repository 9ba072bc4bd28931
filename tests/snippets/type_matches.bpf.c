// SPDX-License-Identifier: GPL-2.0-only
// Whole shapes compared with the kernel.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#ifndef bpf_core_type_matches
#define bpf_core_type_matches(type) __builtin_preserve_type_info(*(typeof(type) *)0, 2)
#endif

struct task_struct___matching {
	int pid;
	struct mm_struct *mm;
	char comm[16];
} __attribute__((preserve_access_index));

struct list_head___matching {
	struct list_head *next;
	struct list_head *prev;
} __attribute__((preserve_access_index));

struct path___wrong {
	struct vfsmount *mnt;
	int dentry;
} __attribute__((preserve_access_index));

u64 answers[4];

SEC("raw_tp/sys_exit")
int type_matches(void *ctx)
{
	answers[0] = bpf_core_type_matches(struct task_struct___matching);
	answers[1] = bpf_core_type_matches(struct list_head___matching);
	answers[2] = bpf_core_type_matches(struct path___wrong);
	answers[3] = bpf_core_type_exists(struct upid) + bpf_core_type_exists(work_func_t);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
