// SPDX-License-Identifier: GPL-2.0-only
// Old and new shapes of a struct, under flavored names.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct task_struct___old {
	volatile long state;
} __attribute__((preserve_access_index));

struct task_struct___new {
	unsigned int __state;
} __attribute__((preserve_access_index));

struct kernfs_node___x {
	unsigned int id;
} __attribute__((preserve_access_index));

u64 states;

SEC("raw_tp/sched_switch")
int flavors(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *prev = (struct task_struct *)ctx->args[1];
	struct task_struct___old *old = (void *)prev;
	struct task_struct___new *new = (void *)prev;

	if (bpf_core_field_exists(new->__state))
		states += BPF_CORE_READ(new, __state);
	else if (bpf_core_field_exists(old->state))
		states += BPF_CORE_READ(old, state);
	states += bpf_core_field_size(struct kernfs_node___x, id);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
