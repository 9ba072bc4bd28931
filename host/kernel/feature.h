// SPDX-License-Identifier: GPL-2.0-only
// What this kernel can do, asked of it and not of its version.
#ifndef EBS_KERNEL_FEATURE_H
#define EBS_KERNEL_FEATURE_H

#include <stdbool.h>

#include "base/error.h"

// All say true, or false with `why` filled: what is missing, or what kept us from asking. `why` may
// be NULL.

// Could a program of this SEC() be loaded and attached? "xdp", "fentry/vfs_read",
// "uprobe/libc.so.6:malloc". What takes options is looked at as far as the section says it.
bool ebs_has_program(const char *section, struct ebs_error *why);

// A kind of map, as the kernel's lower-case name: "ringbuf".
bool ebs_has_map_kind(const char *kind, struct ebs_error *why);

// A helper, "bpf_loop" or "loop"; with a section, for programs of that kind.
bool ebs_has_helper(const char *name, const char *section, struct ebs_error *why);

// A function of the kernel or of a loaded module.
bool ebs_has_kernel_function(const char *name, struct ebs_error *why);

// "CATEGORY/NAME" or "CATEGORY:NAME".
bool ebs_has_tracepoint(const char *name, struct ebs_error *why);

// What types/kernel_has.h says.
bool ebs_has_type(const char *name, struct ebs_error *why);
bool ebs_has_field(const char *path, struct ebs_error *why);
bool ebs_has_enumerator(const char *path, struct ebs_error *why);

#endif
