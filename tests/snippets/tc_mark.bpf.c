// SPDX-License-Identifier: GPL-2.0-only
// A classifier that marks and rewrites packets.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

SEC("tc")
int tc_mark(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ipv6hdr *ip = data + sizeof(struct ethhdr);

	if ((void *)(ip + 1) > end)
		return -1;
	if (ip->version == 6 && ip->nexthdr == IPPROTO_UDP)
		skb->mark = ip->hop_limit;
	skb->priority = skb->len > 1000;
	return skb->mark ? 0 : -1;
}

char LICENSE[] SEC("license") = "GPL";
