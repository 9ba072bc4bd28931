// SPDX-License-Identifier: GPL-2.0-only
// The compiler's command line, and the files that it is to find in memory.
#ifndef EBS_COMPILE_ARGUMENTS_H
#define EBS_COMPILE_ARGUMENTS_H

#include "base/buffer.h"
#include "compile/clang_driver.h"
#include "compile/compile.h"

// Text of the input is referred to, not copied.
struct ebs_arguments {
	const char **list; // up to a NULL
	size_t count;
	struct ebs_clang_file files[8];
	size_t file_count;
	char *main_path; // the source's, as messages show it
	char **folders;  // absolute paths of those that the list names
	size_t folder_count;
};

// Relative folders in the input are taken from where the process stands now, not from where it
// compiles. Returns 0 or -ENOMEM; the caller frees with ebs_arguments_free() in either case.
int ebs_arguments_compose(struct ebs_arguments *arguments, const struct ebs_compile_input *input);
void ebs_arguments_free(struct ebs_arguments *arguments);

// Appends the command line, for people.
void ebs_arguments_print(const struct ebs_arguments *arguments, struct ebs_buffer *out);

// Appends the folders in which an #include looks, in that order.
void ebs_arguments_print_folders(const struct ebs_arguments *arguments, struct ebs_buffer *out);

#endif
