// SPDX-License-Identifier: GPL-2.0-only
// The job of `./dev bench start`: reports each attempt at an exec. Plain libbpf C, so that clang,
// libbpf and ebscript take the same text.
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct attempt {
	u64 ktime; // nanoseconds, CLOCK_MONOTONIC
	u32 pid;
	u32 ppid;
	u32 uid;
	char comm[16];
	char path[128];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_execve")
int on_execve(struct trace_event_raw_sys_enter *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct attempt *attempt = bpf_ringbuf_reserve(&events, sizeof(*attempt), 0);

	if (!attempt)
		return 0;
	attempt->ktime = bpf_ktime_get_ns();
	attempt->pid = bpf_get_current_pid_tgid() >> 32;
	attempt->ppid = BPF_CORE_READ(task, real_parent, tgid);
	attempt->uid = (u32)bpf_get_current_uid_gid();
	bpf_get_current_comm(attempt->comm, sizeof(attempt->comm));
	attempt->path[0] = '\0';
	bpf_probe_read_user_str(attempt->path, sizeof(attempt->path), (const char *)ctx->args[0]);
	bpf_ringbuf_submit(attempt, 0);
	return 0;
}
