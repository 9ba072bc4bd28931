// SPDX-License-Identifier: GPL-2.0-only
// Contexts of tracepoints, with their arrays at the end.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

u64 sum;

SEC("tracepoint/sched/sched_switch")
int switched(struct trace_event_raw_sched_switch *ctx)
{
	sum += ctx->prev_pid + ctx->next_prio + ctx->prev_comm[0];
	return 0;
}

SEC("tracepoint/sched/sched_process_exec")
int executed(struct trace_event_raw_sched_process_exec *ctx)
{
	u32 offset = ctx->__data_loc_filename & 0xffff;
	char first = 0;

	bpf_probe_read_kernel(&first, 1, (void *)ctx + offset);
	sum += first + ctx->ent.pid;
	return 0;
}

SEC("tracepoint/raw_syscalls/sys_enter")
int entered(struct trace_event_raw_sys_enter *ctx)
{
	sum += ctx->id + ctx->args[3];
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
