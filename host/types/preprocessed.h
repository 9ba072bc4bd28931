// SPDX-License-Identifier: GPL-2.0-only
// C as clang's preprocessor leaves it, taken apart by where it comes from.
#ifndef EBS_TYPES_PREPROCESSED_H
#define EBS_TYPES_PREPROCESSED_H

#include <stddef.h>

#include "base/buffer.h"
#include "types/c_files.h"

// Declares every helper, with all types that any of them takes: only those that are called count.
#define EBS_HELPERS_HEADER "bpf_helper_defs.h"

struct ebs_c_source;

// Appends three texts: what is the C's own, what is of headers of the machine, and that of
// EBS_HELPERS_HEADER, whose number in the list goes to `helpers`. `includes` gets an #include line
// for each header of the machine that another file includes. Returns 0 or -ENOMEM.
int ebs_preprocessed_split(struct ebs_c_files *files, const struct ebs_c_source *source,
			   size_t *helpers, struct ebs_buffer *includes);

#endif
