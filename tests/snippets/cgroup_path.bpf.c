// SPDX-License-Identifier: GPL-2.0-only
// The cgroup of a task, by subsystem and by helper.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} stored SEC(".maps");

char name[32];

SEC("tp_btf/task_newtask")
int cgroup_path(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	const char *text;
	u64 *count = bpf_task_storage_get(&stored, bpf_get_current_task_btf(), 0,
					  BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (count)
		*count += bpf_get_current_cgroup_id();
	text = BPF_CORE_READ(task, cgroups, subsys[cpu_cgrp_id], cgroup, kn, name);
	bpf_probe_read_kernel_str(name, sizeof(name), text);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
