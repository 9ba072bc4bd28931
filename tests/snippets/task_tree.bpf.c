// SPDX-License-Identifier: GPL-2.0-only
// Chains of pointers from the current task.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

__u64 out[4];

SEC("raw_tp/sched_switch")
int task_tree(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	out[0] = BPF_CORE_READ(task, real_parent, tgid);
	out[1] = BPF_CORE_READ(task, group_leader, start_time);
	out[2] = BPF_CORE_READ(task, nsproxy, pid_ns_for_children, ns.inum);
	out[3] = BPF_CORE_READ(task, cred, uid.val);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
