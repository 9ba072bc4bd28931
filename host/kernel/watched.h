// SPDX-License-Identifier: GPL-2.0-only
// Whether what a link is attached to is still there.
#ifndef EBS_KERNEL_WATCHED_H
#define EBS_KERNEL_WATCHED_H

#include <stdbool.h>

#include "base/buffer.h"
#include "kernel/attach_link.h"

enum ebs_place_kind {
	EBS_PLACE_INTERFACE,
	EBS_PLACE_CGROUP,
	EBS_PLACE_NAMESPACE,
	EBS_PLACE_PROCESS,
	EBS_PLACE_FILE,
	EBS_PLACE_TABLE, // of struct_ops
};

enum ebs_why_gone {
	EBS_STILL_THERE,
	EBS_GONE_REMOVED,  // deleted, ended
	EBS_GONE_MOVED,    // to another network namespace
	EBS_GONE_REPLACED, // a file: only processes that began before have it
	EBS_GONE_DETACHED, // the place is there, the program isn't
};

// What has become of one place of a link.
struct ebs_gone {
	enum ebs_place_kind kind;
	enum ebs_why_gone why;
	const char *name; // the place's, as long as the link
};

// Whether there is anything that could go.
bool ebs_link_is_watched(const struct ebs_link *link);

// Asks the kernel what is still there; a few system calls for each place.
void ebs_link_look(struct ebs_link *link);

// The next place that was found gone and has not been told yet. False: there is none.
bool ebs_link_next_gone(struct ebs_link *link, struct ebs_gone *gone);

// Whether the program is attached as it was, by the last look; to some of several places is enough.
bool ebs_link_is_alive(const struct ebs_link *link);

// Whether the program can't run any more by this link.
bool ebs_link_is_blind(const struct ebs_link *link);

// "removed", "moved", "replaced", "detached".
const char *ebs_why_gone_name(enum ebs_why_gone why);

// Appends the sentence about it, without a full stop.
void ebs_gone_describe(const struct ebs_gone *gone, const char *program, struct ebs_buffer *out);

#endif
