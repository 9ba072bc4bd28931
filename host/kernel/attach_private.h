// SPDX-License-Identifier: GPL-2.0-only
// What attach.c and the files of single kinds share.
#ifndef EBS_KERNEL_ATTACH_PRIVATE_H
#define EBS_KERNEL_ATTACH_PRIVATE_H

#include "kernel/attach.h"
#include "kernel/attach_link_private.h"

// What the architecture puts before the names of system call functions.
#if defined(__x86_64__)
#define EBS_SYSCALL_PREFIX "__x64_"
#elif defined(__aarch64__)
#define EBS_SYSCALL_PREFIX "__arm64_"
#elif defined(__s390x__)
#define EBS_SYSCALL_PREFIX "__s390x_"
#elif defined(__riscv)
#define EBS_SYSCALL_PREFIX "__riscv_"
#else
#define EBS_SYSCALL_PREFIX ""
#endif

#define EBS_NO_KPROBES "this kernel has no kprobes (it is built without CONFIG_KPROBES)"
bool ebs_kernel_has_kprobes(void);
// Returns 0, or -EOPNOTSUPP with `error` filled.
int ebs_kernel_need_kprobes(struct ebs_error *error);

// The section's text behind the first '/', or NULL.
const char *ebs_section_target(const struct ebs_program *program);

// Each returns 0 or -errno with `error` filled.
typedef int ebs_attach_function(struct ebs_program *program,
				const struct ebs_attach_options *options, struct ebs_link *link,
				struct ebs_error *error);
ebs_attach_function ebs_attach_xdp;        // attach_xdp.c
ebs_attach_function ebs_attach_perf_event; // attach_perf.c
ebs_attach_function ebs_attach_tracepoint;
ebs_attach_function ebs_attach_btf;    // btf_programs.c
ebs_attach_function ebs_attach_kprobe; // attach_probe.c
ebs_attach_function ebs_attach_ksyscall;
ebs_attach_function ebs_attach_uprobe;       // attach_uprobe.c
ebs_attach_function ebs_attach_usdt;         // attach_usdt.c
ebs_attach_function ebs_attach_kprobe_multi; // attach_multi.c
ebs_attach_function ebs_attach_tc; // attach_net.c
ebs_attach_function ebs_attach_netfilter;
ebs_attach_function ebs_attach_netns;
ebs_attach_function ebs_attach_sockmap;
ebs_attach_function ebs_attach_socket;
ebs_attach_function ebs_attach_cgroup;     // attach_cgroup.c
ebs_attach_function ebs_attach_struct_ops; // attach_struct_ops.c

// attach_struct_ops.c: one program stands for all of the object's, as they are attached together.
bool ebs_struct_ops_is_first(const struct ebs_program *program);

// attach_cgroup.c: a descriptor of the cgroup, or -errno with `error` filled.
int ebs_cgroup_open(const char *path, struct ebs_error *error);

// attach_bare.c: where the object's C uses packet.bpf.h, and packets of this interface begin with
// IP, writes it into that header's list. Before the program is attached. Returns 0, or -errno with
// `error` filled.
int ebs_attach_note_bare(struct ebs_object *object, const char *name, unsigned index,
			 struct ebs_error *error);

#endif
