// SPDX-License-Identifier: GPL-2.0-only
// What holds an attached program where it is.
#ifndef EBS_KERNEL_ATTACH_LINK_H
#define EBS_KERNEL_ATTACH_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct ebs_link;

// What is known of a link; texts are the link's, NULL or 0 where they don't apply.
struct ebs_link_info {
	const char *kind; // "xdp", "tracepoint", ...
	const char *program;
	const char *interface; // all of a list
	unsigned ifindex;      // 0: of a list
	const char *mode;      // that XDP got: "native", "generic", "offload"; TC: "tcx", "clsact"
	const char *const *symbols; // functions; the first has the attach cookie 1
	uint32_t symbol_count;
	const bool *left_out; // for each: the kernel can't probe it, though a glob means it
	const char *pinned;   // where it is pinned
	const char *notices;  // lines for the user, or NULL
};

// Detaches what ebs_program_attach() has attached; NULL is none.
void ebs_link_free(struct ebs_link *link);

// Runs an iterator's link once more. Returns a descriptor to read what it writes, or -errno with
// `error` filled.
int ebs_link_iterate(const struct ebs_link *link, struct ebs_error *error);
struct ebs_link_info ebs_link_info(const struct ebs_link *link);

#endif
