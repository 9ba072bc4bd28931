// SPDX-License-Identifier: GPL-2.0-only
// Structs that end in arrays without a length.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

u64 sum;

struct flexible {
	u32 count;
	struct upid numbers[];
};

SEC("raw_tp/sched_process_exit")
int flexible_members(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[0];
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct upid upid = {};
	u32 level = BPF_CORE_READ(pid, level);
	struct flexible *flexible = (void *)pid;

	bpf_core_read(&upid, sizeof(upid), &pid->numbers[level & 3]);
	sum += upid.nr + BPF_CORE_READ(upid.ns, level);
	bpf_probe_read_kernel(&upid, sizeof(upid), &flexible->numbers[1]);
	return upid.nr;
}

char LICENSE[] SEC("license") = "GPL";
