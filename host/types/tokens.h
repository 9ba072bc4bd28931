// SPDX-License-Identifier: GPL-2.0-only
// The names in C text and in the files that it includes, without a preprocessor: all that it might
// mean, whatever its #if say.
#ifndef EBS_TYPES_TOKENS_H
#define EBS_TYPES_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "types/names.h"

// What is known of a name.
enum {
	EBS_NAME_USED = 1,        // it occurs, or it does in front of a ___flavor
	EBS_NAME_TAG = 2,         // ... behind struct, union or enum
	EBS_NAME_OWN_TAG = 4,     // the C defines such a struct, union or enum itself
	EBS_NAME_OWN = 8,         // the C defines a typedef, an enumerator or a macro of this name
};

struct ebs_c_source {
	const char *text; // `size` bytes
	size_t size;
	const char *directory;           // as in struct ebs_compile_input
	const char *const *defines;      // likewise
	const char *const *include_dirs; // likewise
};

// Start with { 0 }.
struct ebs_tokens {
	struct ebs_names names;  // refers to `texts`
	char **texts;            // of files, owned
	size_t text_count;
	bool asks_for_kernel_types; // there may be an #include "vmlinux.h"
};

// Files that can't be found or read are left out: what they would have named is missed. Returns 0,
// or -ENOMEM with `error` filled; the caller frees in either case.
int ebs_tokens_collect(struct ebs_tokens *tokens, const struct ebs_c_source *source,
		       struct ebs_error *error);
void ebs_tokens_free(struct ebs_tokens *tokens);

#endif
