// SPDX-License-Identifier: GPL-2.0-only
// A sample of the CPU with its registers.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct cpu_sample {
	u64 address;
	u64 stack_pointer;
	u64 period;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} samples SEC(".maps");

SEC("perf_event")
int perf_sample(struct bpf_perf_event_data *ctx)
{
	struct cpu_sample sample = {
		.address = PT_REGS_IP(&ctx->regs),
		.stack_pointer = PT_REGS_SP(&ctx->regs),
		.period = ctx->sample_period,
	};

	bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, &sample, sizeof(sample));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
