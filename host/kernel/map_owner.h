// SPDX-License-Identifier: GPL-2.0-only
// What an entry of a storage map belongs to, as a descriptor: a process, a cgroup, a file.
#ifndef EBS_KERNEL_MAP_OWNER_H
#define EBS_KERNEL_MAP_OWNER_H

#include <stdint.h>

#include "base/error.h"

struct ebs_map_owner {
	enum {
		EBS_OWNER_NONE,
		EBS_OWNER_FD, // the caller's
		EBS_OWNER_PID,
		EBS_OWNER_PATH,   // of a file or folder
		EBS_OWNER_CGROUP, // the path of one of version 2
	} kind;
	int number;       // the process
	const char *path; // the caller's
	int fd;           // of it; -1 until opened, unless it is the caller's
};

// Opens it and writes its descriptor to `out`, an int. Does nothing to what is none. Returns 0, or
// -errno with `error` filled. It ends with ebs_map_owner_close(), also after a failure.
int ebs_map_owner_open(struct ebs_map_owner *owner, uint8_t *out, struct ebs_error *error);
void ebs_map_owner_close(struct ebs_map_owner *owner);

#endif
