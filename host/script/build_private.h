// SPDX-License-Identifier: GPL-2.0-only
// What the steps of one build share.
#ifndef EBS_SCRIPT_BUILD_PRIVATE_H
#define EBS_SCRIPT_BUILD_PRIVATE_H

#include "script/build.h"
#include "types/header.h"
#include "types/tokens.h"

struct ebs_work {
	struct ebs_build *build;
	struct ebs_state *state;
	const struct ebs_source *source;
	char *templates;
	char *headers;
	const char **include_dirs; // those of the script, of -I, and of the program, up to a NULL
	struct ebs_compile_input input;
	struct ebs_compile_job *job; // the compiler that runs, or NULL
	struct ebs_c_source text;
	struct ebs_tokens tokens; // of what is compiled
	bool tokens_collected;
	bool all_types;   // the C gets all of the kernel's types
	bool types_given; // it got those that it asks for
	struct ebs_buffer kernel_header;
	struct ebs_btf_blob kernel;
	bool kernel_open;
	struct ebs_error kernel_error; // why the kernel's types can't be had
};

// Starts the compiler, which takes its time to be there; then makes the kernel's types for it.
// Returns 0, or -errno with `error` filled.
int ebs_build_compile_start(struct ebs_work *work, struct ebs_error *error);

// Waits for the compiler, and fills in the build's parts. Returns 0, or -errno with `error` filled.
int ebs_build_compile_finish(struct ebs_work *work, struct ebs_error *error);

// build_check.c: whether the C asks for what nobody does, though the compiler takes it. Returns 0, or
// -EINVAL with `error` filled: code "COMPILE".
int ebs_build_check(struct ebs_work *work, struct ebs_error *error);

// Prints the C as the compiler would get it. Returns 0, or -errno with `error` filled.
int ebs_build_emit_c(struct ebs_work *work, struct ebs_error *error);

#endif
