// SPDX-License-Identifier: GPL-2.0-only
// A packet as the kernel holds it.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

u64 bytes;
u16 protocol;
u8 kind;

SEC("raw_tp/netif_receive_skb")
int skb_headers(struct bpf_raw_tracepoint_args *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx->args[0];
	unsigned char *head = BPF_CORE_READ(skb, head);
	struct iphdr ip;

	bytes += BPF_CORE_READ(skb, len);
	protocol = BPF_CORE_READ(skb, protocol);
	kind = BPF_CORE_READ_BITFIELD_PROBED(skb, pkt_type);
	bpf_probe_read_kernel(&ip, sizeof(ip), head + BPF_CORE_READ(skb, network_header));
	bytes += ip.ihl;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
