// SPDX-License-Identifier: GPL-2.0-only
// A rule for connect(), and a setting of sockets.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

u64 refused;

SEC("cgroup/connect4")
int cgroup_connect(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	if (ctx->user_port == bpf_htons(25) && ctx->type == SOCK_STREAM && sk) {
		refused += sk->priority + 1;
		return 0;
	}
	return 1;
}

SEC("sockops")
int on_socket(struct bpf_sock_ops *ops)
{
	if (ops->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		bpf_sock_ops_cb_flags_set(ops, BPF_SOCK_OPS_STATE_CB_FLAG);
	return 1;
}

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *skb)
{
	return skb->len < 65000;
}

char LICENSE[] SEC("license") = "GPL";
