// SPDX-License-Identifier: GPL-2.0-only
// The kernel's own file systems, mounted or not.
#ifndef EBS_KERNEL_PSEUDO_FS_H
#define EBS_KERNEL_PSEUDO_FS_H

#include "base/buffer.h"

// Opens the root of a file system such as "tracefs": one of `mounts` (up to a NULL) that has the
// file or folder `proof`, else a mount of our own, which no path leads to and which ends with the
// descriptor. Returns the descriptor, or -errno.
int ebs_pseudo_fs_open(const char *type, const char *const *mounts, const char *proof);

// Appends a file below such a root. Returns 0 or -errno.
int ebs_pseudo_fs_read(int root, const char *path, struct ebs_buffer *out);

#endif
