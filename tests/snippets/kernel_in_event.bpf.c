// SPDX-License-Identifier: GPL-2.0-only
// Kernel types whole inside an event, a map and a global.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct event {
	struct rusage usage;
	struct timespec64 when;
	struct in6_addr address;
	enum hrtimer_restart restart;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16);
	__type(key, struct in6_addr);
	__type(value, struct bpf_spin_lock);
} locks SEC(".maps");

struct qstr last;

SEC("raw_tp/signal_deliver")
int kernel_in_event(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	__builtin_memset(event, 0, sizeof(*event));
	event->when.tv_nsec = bpf_ktime_get_ns();
	event->usage.ru_maxrss = sizeof(last);
	event->restart = HRTIMER_RESTART;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
