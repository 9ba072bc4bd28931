// SPDX-License-Identifier: GPL-2.0-only
// Timers, tail calls, maps of maps and subprograms.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct item {
	struct bpf_timer timer;
	u64 ticks;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct item);
} items SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, int);
	__type(value, int);
} tails SEC(".maps");

static int on_timer(void *map, int *key, struct item *item)
{
	item->ticks++;
	return 0;
}

__attribute__((noinline)) int mixed(u64 value)
{
	return value * 31 + 7;
}

SEC("tc")
int timers_and_tails(struct __sk_buff *ctx)
{
	int key = 0;
	struct item *item = bpf_map_lookup_elem(&items, &key);

	if (!item)
		return 0;
	bpf_timer_init(&item->timer, &items, 1 /* CLOCK_MONOTONIC */);
	bpf_timer_set_callback(&item->timer, on_timer);
	bpf_timer_start(&item->timer, 1000000, 0);
	bpf_tail_call(ctx, &tails, 1);
	return mixed(ctx->len);
}

char LICENSE[] SEC("license") = "GPL";
