// SPDX-License-Identifier: GPL-2.0-only
// What the soak test keeps busy: events, and maps whose entries come and go.
#include "ebscript.bpf.h"

struct event {
	u64 time;
	u32 number;
	u32 slot;
	char name[16];
	struct {
		u16 port;
		u8 address[4];
	} peer;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} plain SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} views SEC(".maps");

// Much too small: it loses, and the losses have to be told.
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} tight SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct event);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u64);
} recent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

u32 turn;

SEC("tc")
int work(struct __sk_buff *ctx)
{
	u64 zero = 0;
	struct event event = { .time = bpf_ktime_get_ns(), .number = ++turn, .name = "soak" };
	u32 key = event.number * 2654435761u;

	event.slot = key >> 21;
	event.peer.port = event.number;
	ebs_ringbuf_output(&plain, &event, sizeof(event));
	if (event.number % 4 == 0)
		ebs_ringbuf_output(&views, &event, sizeof(event));
	if (event.number % 4 == 1)
		ebs_ringbuf_output(&tight, &event, sizeof(event));
	ebs_map_update_elem(&table, &event.slot, &event, BPF_ANY);
	ebs_map_update_elem(&recent, &key, &event.time, BPF_ANY);
	u64 *count = ebs_map_lookup_or_init(&counts, &event.slot, &zero);
	if (count)
		++*count;
	return 0;
}

SEC("raw_tp/sched_process_exit")
int attached(void *ctx)
{
	return 0;
}
