// SPDX-License-Identifier: GPL-2.0-only
// Arguments of a probe that a program's author has put into it.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

u64 sum;

SEC("usdt")
int BPF_USDT(usdt_arguments, u32 size, void *place)
{
	sum += size + (u64)place + bpf_usdt_arg_cnt(ctx);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
