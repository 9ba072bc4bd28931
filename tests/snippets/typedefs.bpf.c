// SPDX-License-Identifier: GPL-2.0-only
// Kernel typedefs of every kind, in maps, events and casts.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

typedef struct {
	kuid_t user;
	kgid_t group;
	kernel_cap_t capabilities;
	atomic64_t count;
	nodemask_t nodes;
	spinlock_t *lock;
	wait_queue_head_t *queue;
} who_t;

who_t who;
cpumask_t *mask;
sigset_t signals;
siginfo_t *information;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, kuid_t);
	__type(value, who_t);
} people SEC(".maps");

SEC("raw_tp/sys_enter")
int typedefs(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	const struct cred *cred = BPF_CORE_READ(task, cred);

	who.user = BPF_CORE_READ(cred, uid);
	who.group = BPF_CORE_READ(cred, gid);
	who.capabilities = BPF_CORE_READ(cred, cap_effective);
	signals = BPF_CORE_READ(task, blocked);
	bpf_map_update_elem(&people, &who.user, &who, BPF_NOEXIST);
	return sizeof(spinlock_t) + sizeof(nodemask_t);
}

char LICENSE[] SEC("license") = "GPL";
