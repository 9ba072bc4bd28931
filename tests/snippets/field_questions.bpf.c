// SPDX-License-Identifier: GPL-2.0-only
// Whether fields and types exist, where, and how large they are.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

u64 answers[9];

struct no_such_type___1 {
	int x;
};

SEC("raw_tp/sys_enter")
int field_questions(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	answers[0] = bpf_core_field_exists(task->wake_cpu);
	answers[1] = bpf_core_field_size(task->comm);
	answers[2] = bpf_core_field_offset(struct task_struct, comm);
	answers[3] = bpf_core_type_exists(struct bpf_ringbuf);
	answers[4] = bpf_core_type_size(struct sk_buff);
	answers[5] = bpf_core_type_exists(struct no_such_type___1);
	answers[6] = bpf_core_type_id_local(struct task_struct) != 0;
	answers[7] = bpf_core_type_exists(btf_trace_sched_switch);
	answers[8] = bpf_core_field_exists(struct mm_struct, mm_mt);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
