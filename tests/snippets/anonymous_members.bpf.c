// SPDX-License-Identifier: GPL-2.0-only
// Members of structs and unions without names, four levels deep.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

u64 sum;

SEC("raw_tp/mm_page_alloc")
int anonymous_members(struct bpf_raw_tracepoint_args *ctx)
{
	struct page *page = (struct page *)ctx->args[0];

	sum += (u64)BPF_CORE_READ(page, mapping);
	sum += BPF_CORE_READ(page, compound_head);
	sum += BPF_CORE_READ(page, _refcount.counter);
	sum += BPF_CORE_READ(page, page_type);
	sum += (u64)BPF_CORE_READ(page, lru.next, prev);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
