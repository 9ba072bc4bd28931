// SPDX-License-Identifier: GPL-2.0-only
// Functions of the kernel that programs may call, and a kernel pointer that a map owns.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;
extern const struct rq runqueues __ksym;

u64 found, address;

SEC("tp_btf/task_newtask")
int BPF_PROG(kernel_functions, struct task_struct *task, u64 flags)
{
	struct task_struct *parent = bpf_task_from_pid(task->real_parent->pid);
	const struct rq *queue = bpf_this_cpu_ptr(&runqueues);

	address = queue->nr_running;
	if (!parent)
		return 0;
	found += parent->start_boottime;
	bpf_task_release(parent);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
