// SPDX-License-Identifier: GPL-2.0-only
// Bitfields of many places, read in place and by probe.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

u64 bits;

SEC("tp_btf/sched_wakeup")
int BPF_PROG(bitfields, struct task_struct *task)
{
	bits += BPF_CORE_READ_BITFIELD(task, sched_reset_on_fork);
	bits += BPF_CORE_READ_BITFIELD(task, in_execve);
	bits += BPF_CORE_READ_BITFIELD_PROBED(task, no_cgroup_migration);
	bits += task->in_iowait;
	bits += BPF_CORE_READ_BITFIELD(task, frozen);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
