// SPDX-License-Identifier: GPL-2.0-only
// A loop over a list of the kernel.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define parent_of(pointer, type, member) \
	((type *)((void *)(pointer)-bpf_core_field_offset(type, member)))

u64 children;

SEC("raw_tp/sched_process_wait")
int list_walk(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct list_head *head = &task->children;
	struct list_head *next = BPF_CORE_READ(head, next);

	for (int i = 0; i < 16 && next != head; i++) {
		struct task_struct *child = parent_of(next, struct task_struct, sibling);

		children += BPF_CORE_READ(child, pid);
		next = BPF_CORE_READ(next, next);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
