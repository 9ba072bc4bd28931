// SPDX-License-Identifier: GPL-2.0-only
// The verifier's refusal of a program, told at the lines of its C.
#ifndef EBS_KERNEL_REFUSAL_H
#define EBS_KERNEL_REFUSAL_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

// What is known of the refused program.
struct ebs_refused {
	const char *name;
	const char *section;
	const void *elf; // of the object; NULL when it isn't at hand
	size_t elf_size;
	const struct bpf_insn *instructions; // as they were given to the kernel
	size_t count;
	const char *log; // the kernel's, followed by a NUL
	size_t log_size;
};

// Appends the message: the line, what is wrong, the kernel's own words and the steps that led
// there. Returns 0, or -ENOMEM.
int ebs_refusal_tell(const struct ebs_refused *refused, struct ebs_buffer *out);

// Whether messages are for a terminal.
void ebs_refusal_colour(bool on);

// kernel/refusal_log.c

// From now on complete logs of refused programs go to this file; NULL for none.
void ebs_refusal_log_init(const char *path);

// While it is paused nothing is written: for a load that is only tried.
void ebs_refusal_log_pause(bool paused);

// Memory for a log that is cut only where the kernel can't do otherwise; touched only by who
// writes into it. NULL with errno.
char *ebs_refusal_log_memory(size_t *size);
void ebs_refusal_log_free(char *memory, size_t size);

// Writes the log to the file, if there is one, and appends a line that says where it is, or how it
// can be had.
void ebs_refusal_log_keep(const struct ebs_refused *refused, struct ebs_buffer *out);

#endif
