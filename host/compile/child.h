// SPDX-License-Identifier: GPL-2.0-only
// Runs a function in a child process that may die of it, and collects what it wrote.
#ifndef EBS_COMPILE_CHILD_H
#define EBS_COMPILE_CHILD_H

#include <signal.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

// What the child finds open, beside /dev/null as standard input and output.
enum ebs_child_fd {
	EBS_CHILD_ERRORS = 2, // a pipe: LLVM's last words
	EBS_CHILD_OBJECT, // two files in memory; they take what is written without anybody reading
	EBS_CHILD_MESSAGES,
	EBS_CHILD_INPUT, // a file in memory: what ebs_child_give() wrote
	EBS_CHILD_GO,    // a socket: something comes when that is there; takes how the child ends
};

// Returns the child's exit status. The child has default signal dispositions and limits on its time
// and on what it writes, keeps no file open but the above, and never outlives its parent.
typedef int ebs_child_function(const void *context);

struct ebs_child_output {
	struct ebs_buffer object;
	struct ebs_buffer messages;
	struct ebs_buffer errors; // the start of what went to standard error
	int status;               // as waitpid() gives it
	long peak;                // of its memory, KiB
	long seconds;             // of CPU time
};

// Starts a child that calls `function`. `interrupted` is a signal handler's flag: once it is set,
// and the signal came while ebs_child_finish() waits, the child is ended; may be NULL. NULL with
// `error` filled. Every child that was started must be finished.
struct ebs_child;
struct ebs_child *ebs_child_start(ebs_child_function *function, const void *context,
				  const volatile sig_atomic_t *interrupted,
				  struct ebs_error *error);

// Hands over bytes that the child waits for with ebs_child_take(). So it can do what needs none of
// them while they are still being made. Once; a child that takes none needs none. Returns 0 or
// -errno.
int ebs_child_give(struct ebs_child *child, const void *data, size_t size);

// In the child: waits for ebs_child_give(), and returns its bytes, which stay until the process
// ends; a NUL follows them. NULL with errno set, also when the parent has finished without giving
// any.
const char *ebs_child_take(size_t *size);

// Returns when the function has returned or the child has died, and frees it; 0, or a negative
// errno with `error` filled when there was no way to hear of it. The caller frees `output` with
// ebs_child_output_free() in either case.
int ebs_child_finish(struct ebs_child *child, struct ebs_child_output *output,
		     struct ebs_error *error);
void ebs_child_output_free(struct ebs_child_output *output);

// Waits for the ends of processes whose functions have returned: milliseconds in which the kernel
// takes their memory back.
void ebs_child_reap(void);

// Writes all of it to one of the child's files. Returns 0 or -errno.
int ebs_child_write(enum ebs_child_fd fd, const char *data, size_t size);

// Sets `error` to why the child ended too early: what killed it, and what it said last.
int ebs_child_explain(const struct ebs_child_output *output, struct ebs_error *error);

#endif
