// SPDX-License-Identifier: GPL-2.0-only
// The folder of a cgroup of version 2 by its number, as bpf_get_current_cgroup_id() gives it.
#ifndef EBS_KERNEL_CGROUP_PATH_H
#define EBS_KERNEL_CGROUP_PATH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// Where this process sees the tree of cgroups: "" when it is mounted nowhere. Writes at most `size`
// bytes.
void ebs_cgroup_tree(char *path, size_t size);

// The folder's whole path, to be freed; NULL with `error` filled.
char *ebs_cgroup_path(uint64_t id, struct ebs_error *error);

#endif
