// SPDX-License-Identifier: GPL-2.0-only
// Sizes of an address space, with an array inside.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct sizes {
	u64 code, data, stack, anonymous;
} sizes;

SEC("raw_tp/sys_enter")
int mm_counts(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	if (!mm)
		return 0;
	sizes.code = BPF_CORE_READ(mm, end_code) - BPF_CORE_READ(mm, start_code);
	sizes.data = BPF_CORE_READ(mm, data_vm);
	sizes.stack = BPF_CORE_READ(mm, stack_vm);
	sizes.anonymous = BPF_CORE_READ(mm, rss_stat[MM_ANONPAGES].count);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
