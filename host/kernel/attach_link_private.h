// SPDX-License-Identifier: GPL-2.0-only
// What a link is made of, for those who attach.
#ifndef EBS_KERNEL_ATTACH_LINK_PRIVATE_H
#define EBS_KERNEL_ATTACH_LINK_PRIVATE_H

#include <bpf/libbpf.h>

#include "base/buffer.h"
#include "kernel/attach_link.h"

struct ebs_program;
struct ebs_watched;

// libbpf's link, or a link's bare file descriptor, which libbpf can't take over.
struct ebs_link_part {
	struct bpf_link *handle; // NULL: see fd
	int fd;
	bool never_misses; // the kernel counts nothing for it
	// What ends with no descriptor: `detach` is called in place of closing one.
	void (*detach)(const struct ebs_link_part *part);
	int program; // descriptors that outlive the link; or an interface's index
	int target;
	int type;
	uint32_t clsact_handle;
	uint32_t clsact_priority;
};

struct ebs_link {
	struct ebs_link_info info;
	char *interface;
	char *pin_path;              // where it is pinned, or NULL: pin.h
	struct ebs_watched *watched; // what it is attached to, and may go
	unsigned watched_count;
	char **symbols;
	bool *left_out;
	struct ebs_buffer notices;
	struct ebs_link_part *parts; // one for each perf event, else a single one
	unsigned count;
	struct ebs_program *program; // NULL until it is attached
	struct ebs_link *next;       // in program->links
};

// Both take over what they are given, also when they fail. Return 0 or -errno; a NULL handle counts
// as the failure that errno tells, so that libbpf's attach functions can be called in place.
int ebs_link_add(struct ebs_link *link, struct bpf_link *handle);
int ebs_link_add_fd(struct ebs_link *link, int fd);
int ebs_link_add_part(struct ebs_link *link, struct ebs_link_part part);

// Takes over `count` names of functions, also when it fails; copies which of them are left out.
// Returns 0 or -ENOMEM.
int ebs_link_set_symbols(struct ebs_link *link, char **names, uint32_t count, const bool *left_out);

// missed.c: what the kernel counted for the link's probes.
uint64_t ebs_link_missed(struct ebs_link *link);

#endif
