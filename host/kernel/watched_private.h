// SPDX-License-Identifier: GPL-2.0-only
// The places that a link is attached to, for those who attach.
#ifndef EBS_KERNEL_WATCHED_PRIVATE_H
#define EBS_KERNEL_WATCHED_PRIVATE_H

#include <sys/types.h>

#include "kernel/watched.h"

struct ebs_watched {
	enum ebs_place_kind kind;
	char *name;
	unsigned part; // of the link, for what a link's descriptor tells
	int number;    // the interface's index, the process's id
	int pidfd;     // -1: ask by the process's id
	dev_t device;  // of a file
	ino_t inode;
	enum ebs_why_gone why;
	bool told;
};

// Adds a place; `name` is copied. Return 0 or -ENOMEM.
int ebs_link_watch_part(struct ebs_link *link, enum ebs_place_kind kind, const char *name,
			unsigned part);
int ebs_link_watch_process(struct ebs_link *link, pid_t pid);
// By its path; what isn't there now is not watched.
int ebs_link_watch_file(struct ebs_link *link, const char *path);

void ebs_link_free_watched(struct ebs_link *link);

#endif
