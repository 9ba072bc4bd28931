// SPDX-License-Identifier: GPL-2.0-only
// Arguments and results of a user function.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

u64 sum;

SEC("uprobe")
int BPF_KPROBE(entered, const char *text, size_t size)
{
	char first = 0;

	bpf_probe_read_user(&first, sizeof(first), text);
	sum += first + size;
	return 0;
}

SEC("uretprobe")
int BPF_KRETPROBE(returned, long result)
{
	sum += result;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
