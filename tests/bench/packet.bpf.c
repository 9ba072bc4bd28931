// SPDX-License-Identifier: GPL-2.0-only
// The least that counts packets by address and ports, as a first XDP program does: Ethernet without
// tags, IPv4 without options, TCP. What packet.bpf.h and pktcount do more is measured against it.
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 100);
	__type(key, __u64);
	__type(value, __u32);
} counts SEC(".maps");

SEC("xdp")
int least(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(ethernet + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	__u32 *count, one = 1;
	__u64 key;

	if ((void *)(ethernet + 1) > end || ethernet->h_proto != bpf_htons(0x0800))
		return XDP_PASS;
	if ((void *)(ip + 1) > end || ip->protocol != IPPROTO_TCP || (void *)(tcp + 1) > end)
		return XDP_PASS;
	key = (__u64)ip->saddr << 32 | (__u32)bpf_ntohs(tcp->source) << 16 | bpf_ntohs(tcp->dest);
	count = bpf_map_lookup_elem(&counts, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
	return XDP_PASS;
}

// What a test run costs by itself.
SEC("xdp")
int nothing(struct xdp_md *ctx)
{
	return XDP_PASS;
}
