// SPDX-License-Identifier: GPL-2.0-only
// The names in C text and in the files that it includes, without a preprocessor: all that it might
// mean, whatever its #if say.
#ifndef EBS_TYPES_TOKENS_H
#define EBS_TYPES_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "types/c_files.h"
#include "types/names.h"

// What is known of a name.
enum {
	EBS_NAME_USED = 1,    // it occurs, or does so in front of a ___flavor
	EBS_NAME_TAG = 2,     // likewise, behind struct, union or enum
	EBS_NAME_OWN_TAG = 4, // the C defines a struct, union or enum of this name
	EBS_NAME_OWN = 8,     // the C defines a typedef, an enumerator or a macro of this name, or
			  // declares a function; preprocessed C: or a variable
	EBS_NAME_MACRO = 32,  // preprocessed C: a macro of this name; it is OWN otherwise
	EBS_NAME_CALLED = 16, // preprocessed C: in front of a parenthesis, inside a function
};

struct ebs_c_source {
	const char *text; // `size` bytes
	size_t size;
	const char *directory; // these as in struct ebs_compile_input
	const char *const *defines;
	const char *const *include_dirs;
	const char *const *system_dirs; // the folders of the machine's headers, up to a NULL; none
					// of these is read; may be NULL
	bool preprocessed;              // clang has been over it: what is left is what counts
};

// Start with { 0 }.
struct ebs_tokens {
	struct ebs_names names; // refers to the text of `files`
	struct ebs_c_files files;
	size_t helpers;             // which of the files is bpf_helper_defs.h; 0: none
	bool asks_for_kernel_types; // it may include "vmlinux.h"
	bool is_unsure; // it includes headers of the machine, or such as nobody but a preprocessor
			// finds: what it defines isn't all known
	struct ebs_buffer system_includes; // of preprocessed C: #include lines for all headers of
					   // the machine that it includes itself
	bool preprocessed;
	bool in_system; // while a file of this kind is read
};

// Files that can't be found or read are left out: what they would have named is missed. Text that
// is preprocessed has clang's line markers and the definitions of macros. Returns 0, or -ENOMEM
// with `error` filled; the caller frees in either case.
int ebs_tokens_collect(struct ebs_tokens *tokens, const struct ebs_c_source *source,
		       struct ebs_error *error);
void ebs_tokens_free(struct ebs_tokens *tokens);

// The files alone, at a tenth of the cost, for who asks whether anything has changed: those too
// that only a comment includes. Starts with { 0 }. Returns 0 or -ENOMEM; the caller frees in either
// case.
int ebs_tokens_find_files(struct ebs_c_files *files, const struct ebs_c_source *source);
// Whether these are all that a compile depends on. It follows from their text, so it needn't be
// asked again of text that is known.
bool ebs_tokens_found_all(const struct ebs_c_files *files, const struct ebs_c_source *source);

#endif
