// SPDX-License-Identifier: GPL-2.0-only
// Pointers to functions, and tables of them.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

u64 addresses[3];

SEC("raw_tp/sys_enter")
int ops_tables(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	const struct sched_class *class = BPF_CORE_READ(task, sched_class);
	struct work_struct work = {};

	addresses[0] = (u64)BPF_CORE_READ(class, enqueue_task);
	addresses[1] = (u64)BPF_CORE_READ(task, mm, exe_file, f_op, read_iter);
	addresses[2] = (u64)work.func + sizeof(work_func_t);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
