// SPDX-License-Identifier: GPL-2.0-only
// What is printed: one event for each run of fill(), or for each getppid() of one process.
#include "ebscript.bpf.h"

const volatile u32 target; // process
const volatile u32 number; // of the system call

struct event {
	char comm[16];
	u32 pid;
	u32 tid;
	s32 call;
	u64 ktime;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024);
} events SEC(".maps");

static __always_inline void report(long call)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	u64 id = bpf_get_current_pid_tgid();

	if (!event)
		return;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->pid = id >> 32;
	event->tid = (u32)id;
	event->call = call;
	event->ktime = bpf_ktime_get_ns();
	bpf_ringbuf_submit(event, 0);
}

SEC("xdp")
int fill(struct xdp_md *ctx)
{
	report(7);
	return XDP_DROP;
}

SEC("raw_tp/sys_enter")
int on_call(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[1] == number && bpf_get_current_pid_tgid() >> 32 == target)
		report(ctx->args[1]);
	return 0;
}
