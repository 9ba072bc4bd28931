// SPDX-License-Identifier: GPL-2.0-only
// C text of kernel types, for #include "vmlinux.h".
#ifndef EBS_TYPES_HEADER_H
#define EBS_TYPES_HEADER_H

#include "base/buffer.h"
#include "base/error.h"
#include "types/btf_blob.h"
#include "types/tokens.h"

// Appends every type. With `tokens`, which may be NULL, what the C defines itself is left to it,
// and it gets the functions and macros that it uses. Headers of the machine that preprocessed C
// includes come first, wherever it includes them: so these are seen before the kernel's types.
// Returns 0 or a negative errno with `error` filled.
int ebs_header_write_all(const struct ebs_btf_blob *blob, const struct ebs_tokens *tokens,
			 struct ebs_buffer *out, struct ebs_error *error);

// Appends the types, functions and macros that C with these names can make use of, as far as names
// tell, and those that are always wanted, whose names are added to the set. Functions are those
// that BPF may call (kfuncs); where the BTF marks none, all that preprocessed C calls and doesn't
// declare. Too few of them only ever make a compile fail. Returns 0 or a negative errno with
// `error` filled.
int ebs_header_write_for(const struct ebs_btf_blob *blob, struct ebs_tokens *tokens,
			 struct ebs_buffer *out, struct ebs_error *error);

#endif
