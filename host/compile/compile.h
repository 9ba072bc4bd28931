// SPDX-License-Identifier: GPL-2.0-only
// The door to the compiler: C text in; a BPF object, or the compiler's messages, out.
#ifndef EBS_COMPILE_COMPILE_H
#define EBS_COMPILE_COMPILE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

// Makes the kernel's types for C that has been preprocessed: `size` bytes with line markers and the
// definitions of macros. Called in the compiler's process. Returns 0 or -errno; the types are
// appended to `types`, nothing where there are none.
typedef int ebs_compile_types_function(void *context, const char *text, size_t size,
				       struct ebs_buffer *types);

struct ebs_compile_input {
	const char *source; // C text, `size` bytes
	size_t size;
	const char *name; // the file name that messages show
	const char
		*directory; // where #include "..." looks first, whatever `name` says; may be NULL
	const char *const *defines;      // "NAME=VALUE", up to a NULL; may be NULL
	const char *const *include_dirs; // for both forms of #include, up to a NULL; may be NULL
	const char *cpu; // the level of instructions, "v1" to "v4"; NULL: "v3"
	const char *kernel_types; // what #include "vmlinux.h" stands for, `kernel_types_size` bytes
	size_t kernel_types_size;
	bool types_follow; // they come by ebs_compile_give_types(), while the compiler is being
			   // loaded
	ebs_compile_types_function *make_types; // or by this; may be NULL
	void *types_context;
	bool colour;  // messages with terminal colours
	bool verbose; // the compiler's arguments are part of the messages
	const volatile sig_atomic_t *interrupted; // a signal handler's flag that ends the compile;
						  // may be NULL
};

struct ebs_compile_output {
	char *object; // ELF, owned; NULL when the compile failed
	size_t object_size;
	char *messages; // the compiler's warnings and remarks, owned; NULL when it said nothing
	long peak;      // of the compiler's memory, KiB
};

// Starts a compile in a child process of its own; several may run side by side. `input` must stay
// until it is finished. NULL with `error` filled. Every compile that was started must be finished.
struct ebs_compile_job;
struct ebs_compile_job *ebs_compile_start(const struct ebs_compile_input *input,
					  struct ebs_error *error);

// Once, where the input says that the types follow; no bytes: there are none. Returns 0, or -errno
// with `error` filled. A job that is finished without them has failed.
int ebs_compile_give_types(struct ebs_compile_job *job, const char *types, size_t size,
			   struct ebs_error *error);

// Instead of that: the compiler's process preprocesses the C and calls the input's make_types().
int ebs_compile_make_types(struct ebs_compile_job *job, struct ebs_error *error);

// The folders of the machine's own headers, in which clang looks last; up to a NULL.
const char *const *ebs_compile_system_folders(void);

// Waits for what the child makes, and frees the job. Returns 0, or a
// negative errno with `error` filled: code "COMPILE" and the compiler's messages where the C is at
// fault, an errno's name or "COMPILER" where the compiler itself could not run or died. The caller
// frees `output` with ebs_compile_output_free() in either case.
int ebs_compile_finish(struct ebs_compile_job *job, struct ebs_compile_output *output,
		       struct ebs_error *error);

// Both in one.
int ebs_compile(const struct ebs_compile_input *input, struct ebs_compile_output *output,
		struct ebs_error *error);
void ebs_compile_output_free(struct ebs_compile_output *output);

// Waits until nothing is left of the processes of finished compiles.
void ebs_compile_reap(void);

// Appends all that decides what a compile of `input` makes, beside the source and the files that it
// includes: the compiler's arguments, and which compiler it is (without loading it). Returns 0 or
// -errno.
int ebs_compile_fingerprint(const struct ebs_compile_input *input, struct ebs_buffer *out);

// Name and version of the compiler as it runs here ("Debian clang version ..."), owned by the
// caller; NULL with `error` filled when it can't be loaded.
char *ebs_compile_version(struct ebs_error *error);

#endif
