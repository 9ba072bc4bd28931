// SPDX-License-Identifier: GPL-2.0-only
// What bpf(2) calls a kind of programs that SEC() names. The host isn't asked: its answer is what
// tests check.
#ifndef EBS_TESTS_SUPPORT_BPF_KIND_H
#define EBS_TESTS_SUPPORT_BPF_KIND_H

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// Of enum bpf_prog_type and enum bpf_attach_type in the kernel's <linux/bpf.h>: newer than
// libbpf 1.1.
#define NETFILTER_PROGRAM     32
#define NETFILTER_ATTACH      45
#define KPROBE_SESSION_ATTACH 56

struct bpf_kind {
	uint32_t type;
	uint32_t attach_type;
	uint32_t flags;
	uint32_t btf_id; // of what stands behind the '/'; 0 without one, or where BTF has no say
};

// Read once, and kept. NULL where the kernel has none.
static inline const struct btf *bpf_kind_types(void)
{
	static struct btf *kernel;

	if (!kernel)
		kernel = btf__load_vmlinux_btf();
	return kernel;
}

// The id in the kernel's BTF of what a program attaches to; 0 when there is no such thing.
static inline uint32_t bpf_kind_target(const char *name, enum bpf_attach_type attach_type)
{
	bool tracepoint = attach_type == BPF_TRACE_RAW_TP;
	char full[160];

	snprintf(full, sizeof(full), "%s%s",
		 tracepoint                                                    ? "btf_trace_"
		 : attach_type == BPF_TRACE_ITER                               ? "bpf_iter_"
		 : attach_type == BPF_LSM_MAC || attach_type == BPF_LSM_CGROUP ? "bpf_lsm_"
									       : "",
		 name);
	int id = bpf_kind_types()
			 ? btf__find_by_name_kind(bpf_kind_types(), full,
						  tracepoint ? BTF_KIND_TYPEDEF : BTF_KIND_FUNC)
			 : 0;
	return id > 0 ? (uint32_t)id : 0;
}

// `section` is "xdp", "iter/task", "lsm.s/file_open". Returns 0 or -errno: -ENOENT where the
// kernel's BTF has no such target, -EINVAL where libbpf knows no such section.
static inline int bpf_kind_find(const char *section, struct bpf_kind *kind)
{
	const char *target = strchr(section, '/');
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type;

	libbpf_set_print(NULL);
	*kind = (struct bpf_kind){ 0 };
	if (strcmp(section, "netfilter") == 0) {
		kind->type = NETFILTER_PROGRAM;
		kind->attach_type = NETFILTER_ATTACH;
		return 0;
	}
	if (strncmp(section, "kprobe.session", 14) == 0) {
		kind->type = BPF_PROG_TYPE_KPROBE;
		kind->attach_type = KPROBE_SESSION_ATTACH;
		return 0;
	}
	if (libbpf_prog_type_by_name(section, &type, &attach_type))
		return -EINVAL;
	kind->type = type;
	kind->attach_type = attach_type;
	if (type == BPF_PROG_TYPE_SYSCALL)
		kind->flags = BPF_F_SLEEPABLE;
	if (!target || (type != BPF_PROG_TYPE_TRACING && type != BPF_PROG_TYPE_LSM))
		return 0;
	if (target - section > 2 && strncmp(target - 2, ".s", 2) == 0)
		kind->flags = BPF_F_SLEEPABLE;
	kind->btf_id = bpf_kind_target(target + 1, attach_type);
	return kind->btf_id ? 0 : -ENOENT;
}

#endif
