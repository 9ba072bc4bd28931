// SPDX-License-Identifier: GPL-2.0-only
// BPF_LINK_CREATE for kinds of links that the libbpf and the headers of a build may not know yet.
#ifndef EBS_KERNEL_LINK_CREATE_H
#define EBS_KERNEL_LINK_CREATE_H

#include <stdint.h>

// The kernel's numbers, enum bpf_attach_type, and the Linux that they came with.
enum ebs_attach_type {
	EBS_ATTACH_TYPE_NETFILTER = 45,      // 6.4
	EBS_ATTACH_TYPE_TCX_INGRESS = 46,    // 6.6
	EBS_ATTACH_TYPE_TCX_EGRESS = 47,     // 6.6
	EBS_ATTACH_TYPE_UPROBE_MULTI = 48,   // 6.6
	EBS_ATTACH_TYPE_KPROBE_SESSION = 56, // 6.10
	EBS_ATTACH_TYPE_UPROBE_SESSION = 57, // 6.13
};

enum { EBS_PROG_TYPE_NETFILTER = 32 };

// The link_create part of union bpf_attr, as Linux 6.13 has it.
struct ebs_link_attributes {
	uint32_t program; // file descriptors
	uint32_t target;  // or an interface's index
	uint32_t type;
	uint32_t flags;
	union {
		struct {
			uint32_t flags; // 1: at the return
			uint32_t count;
			uint64_t symbols; // an array of pointers to names
			uint64_t addresses;
			uint64_t cookies;
		} kprobe_multi;
		struct {
			uint32_t family; // PF_INET, PF_INET6
			uint32_t hook;
			int32_t priority;
			uint32_t flags;
		} netfilter;
		struct {
			uint64_t path;
			uint64_t offsets; // an array of 64-bit numbers
			uint64_t semaphores;
			uint64_t cookies;
			uint32_t count;
			uint32_t flags; // 1: at the return
			uint32_t pid;
		} uprobe_multi;
	};
};

// Returns the link's file descriptor, or -errno.
int ebs_link_create(const struct ebs_link_attributes *attributes);

#endif
