// SPDX-License-Identifier: GPL-2.0-only
// Enumerators that move from kernel to kernel.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

u64 values[5];

enum bpf_func_id___missing {
	BPF_FUNC_no_such_helper___missing = 7,
};

SEC("raw_tp/sys_enter")
int enum_values(void *ctx)
{
	values[0] = bpf_core_enum_value(enum bpf_func_id, BPF_FUNC_ringbuf_output);
	values[1] =
		bpf_core_enum_value_exists(enum bpf_cgroup_iter_order, BPF_CGROUP_ITER_SELF_ONLY);
	values[2] = bpf_core_enum_value_exists(enum bpf_func_id___missing,
					       BPF_FUNC_no_such_helper___missing);
	values[3] = BPF_F_CURRENT_CPU;
	values[4] = PIDTYPE_SID + TCP_LISTEN;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
