// SPDX-License-Identifier: GPL-2.0-only
// container_of and bitfields of a TCP socket.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

u32 window, options, state;

SEC("raw_tp/tcp_probe")
int tcp_numbers(struct bpf_raw_tracepoint_args *ctx)
{
	struct sock *sk = (struct sock *)ctx->args[0];
	struct inet_connection_sock *connection =
		container_of((struct inet_sock *)sk, struct inet_connection_sock, icsk_inet);
	struct tcp_sock *tcp = container_of(connection, struct tcp_sock, inet_conn);

	window = BPF_CORE_READ(tcp, snd_cwnd) + BPF_CORE_READ(tcp, rcv_wnd);
	options = BPF_CORE_READ_BITFIELD_PROBED(tcp, nonagle);
	state = BPF_CORE_READ_BITFIELD_PROBED(connection, icsk_ca_state);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
