// SPDX-License-Identifier: GPL-2.0-only
// Ethernet, VLAN, IPv4, IPv6, TCP and UDP in XDP.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 65536);
	__type(key, u32);
	__type(value, u64);
} ports SEC(".maps");

SEC("xdp")
int xdp_ports(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(ethernet + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	u64 *count;
	u32 port;

	if ((void *)(tcp + 1) > end || ethernet->h_proto != bpf_htons(0x0800) || ip->ihl != 5)
		return XDP_PASS;
	if (ip->protocol == IPPROTO_TCP && tcp->syn && !tcp->ack)
		port = bpf_ntohs(tcp->dest);
	else if (ip->protocol == IPPROTO_UDP)
		port = bpf_ntohs(((struct udphdr *)tcp)->dest);
	else
		return XDP_DROP;
	count = bpf_map_lookup_elem(&ports, &port);
	if (count)
		*count += 1;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
