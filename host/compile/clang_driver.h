// SPDX-License-Identifier: GPL-2.0-only
// What the compiler module exports; the child process that loads it calls these through dlsym().
#ifndef EBS_COMPILE_CLANG_DRIVER_H
#define EBS_COMPILE_CLANG_DRIVER_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// A file that exists in memory only.
struct ebs_clang_file {
	const char *path;
	const char *data;
	size_t size;
	bool hides_others; // files on disk that have its name, in whatever folder, are not seen
};

// Whether the compiler may see this file on disk.
typedef bool ebs_clang_filter(void *context, const char *path);

struct ebs_clang_job {
	const char *const *arguments; // of clang's cc1, without its name, up to a NULL; the last
				      // one is the input file's path
	const struct ebs_clang_file *files;
	size_t file_count;
	bool colour;
	ebs_clang_filter *filter; // asked for each file that is found
	void *filter_context;
};

// Receives the object in one piece, or messages one by one, as soon as they are made; the bytes
// live only as long as the call.
typedef void ebs_clang_sink(void *context, const char *data, size_t size);

// Compiles one job. Returns true when there is an object. Messages (errors, warnings) are handed
// over in either case, when there are any. May be called once in a process: a second compile with
// CO-RE relocations crashes inside LLVM.
typedef bool ebs_clang_compile_function(const struct ebs_clang_job *job, ebs_clang_sink *object,
					ebs_clang_sink *messages, void *context);
__attribute__((visibility("default"))) ebs_clang_compile_function ebs_clang_compile;

// Preprocesses one job, in a process that may still compile it: the text goes to `text` in one
// piece, with line markers and the definitions of macros. Says nothing of errors, which the compile
// finds again. Returns false when there is no text.
typedef bool ebs_clang_preprocess_function(const struct ebs_clang_job *job, ebs_clang_sink *text,
					   void *context);
__attribute__((visibility("default"))) ebs_clang_preprocess_function ebs_clang_preprocess;

// Static text.
typedef const char *ebs_clang_version_function(void);
__attribute__((visibility("default"))) ebs_clang_version_function ebs_clang_version;

#ifdef __cplusplus
}
#endif

#endif
