// SPDX-License-Identifier: GPL-2.0-only
// Members read in place, through pointers that the kernel vouches for.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

__u64 total;

SEC("tp_btf/sched_switch")
int BPF_PROG(task_direct, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	total += prev->se.sum_exec_runtime + next->pid + prev->real_parent->tgid;
	if (prev->mm)
		total += prev->mm->total_vm;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
