// SPDX-License-Identifier: GPL-2.0-only
// Small copies of kernel types: fewer members, in another order, some unknown.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct cgroup___own {
	int level;
	struct kernfs_node *kn;
	int no_such_member;
} __attribute__((preserve_access_index));

struct css_set___own {
	struct cgroup___own *dfl_cgrp;
} __attribute__((preserve_access_index));

struct task_struct___own {
	struct css_set___own *cgroups;
} __attribute__((preserve_access_index));

u64 id, level;

SEC("raw_tp/sched_process_fork")
int own_shapes(void *ctx)
{
	struct task_struct___own *task = (void *)bpf_get_current_task();
	struct cgroup___own *group = BPF_CORE_READ(task, cgroups, dfl_cgrp);

	id = BPF_CORE_READ(group, kn, id);
	level = BPF_CORE_READ(group, level);
	if (bpf_core_field_exists(group->no_such_member))
		level += BPF_CORE_READ(group, no_such_member);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
