// SPDX-License-Identifier: GPL-2.0-only
// What somebody may have meant who named a type that there isn't.
#ifndef EBS_TYPES_SUGGEST_H
#define EBS_TYPES_SUGGEST_H

#include "base/buffer.h"
#include "types/btf_blob.h"

// Reads the compiler's messages, and appends a line, with a newline in front, for each of the first
// types in them that are unknown: which of the kernel's has nearly that name. Nothing where the
// compiler has its own suggestion. `included`: the C had the kernel's types.
void ebs_suggest_types(const struct ebs_btf_blob *kernel, const char *messages, bool included,
		       struct ebs_buffer *out);

#endif
