// SPDX-License-Identifier: GPL-2.0-only
// The two ends of a socket, in unions of unions.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

struct ends {
	__be32 source, destination;
	__be16 source_port, destination_port;
	struct in6_addr source6;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u64);
	__type(value, struct ends);
} seen SEC(".maps");

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(sock_addresses, const struct sock *sk, int before, int after)
{
	struct ends ends = {};
	u64 key = (u64)sk;

	if (sk->__sk_common.skc_family == 2 && after == BPF_TCP_ESTABLISHED) {
		ends.source = sk->__sk_common.skc_rcv_saddr;
		ends.destination = sk->__sk_common.skc_daddr;
		ends.destination_port = sk->__sk_common.skc_dport;
		ends.source_port = bpf_htons(sk->__sk_common.skc_num);
		BPF_CORE_READ_INTO(&ends.source6, sk, __sk_common.skc_v6_rcv_saddr);
		bpf_map_update_elem(&seen, &key, &ends, BPF_ANY);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
