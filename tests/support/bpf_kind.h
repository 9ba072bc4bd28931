// SPDX-License-Identifier: GPL-2.0-only
// What bpf(2) calls a kind of programs that SEC() names. The host isn't asked: its answer is what tests check.
#ifndef EBS_TESTS_SUPPORT_BPF_KIND_H
#define EBS_TESTS_SUPPORT_BPF_KIND_H

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

// Of enum bpf_prog_type and enum bpf_attach_type in the kernel's <linux/bpf.h>: newer than libbpf 1.1.
#define NETFILTER_PROGRAM     32
#define NETFILTER_ATTACH      45
#define KPROBE_SESSION_ATTACH 56

struct bpf_kind {
	uint32_t type;
	uint32_t attach_type;
	uint32_t flags;
	uint32_t btf_id; // of what stands behind the '/'; 0 without one, or where BTF has no say
};

// `section` is "xdp", "iter/task", "lsm.s/file_open". Returns 0 or -errno: -ENOENT where the kernel's
// BTF has no such target, -EINVAL where libbpf knows no such section.
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
	int id = libbpf_find_vmlinux_btf_id(target + 1, attach_type);
	if (id <= 0)
		return -ENOENT;
	kind->btf_id = (uint32_t)id;
	return 0;
}

#endif
