// SPDX-License-Identifier: GPL-2.0-only
// What programs print with bpf_printk().
#ifndef EBS_KERNEL_PRINTK_H
#define EBS_KERNEL_PRINTK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ebs_printk;

// From now on the kernel's tracepoint bpf_trace:bpf_trace_printk is read: the texts of all programs
// on this machine. Other readers, of trace_pipe too, still get theirs. NULL with `error` filled.
struct ebs_printk *ebs_printk_open(struct ebs_error *error);
void ebs_printk_free(struct ebs_printk *printk);

// Readable while there is text; owned by the printk.
int ebs_printk_fd(const struct ebs_printk *printk);

// Calls `print` for each text that is there: `size` bytes without the last line's end, printed
// while the thread `tid` ran. The text is valid during the call.
typedef void ebs_printk_function(void *context, const char *text, size_t size, int32_t tid);
void ebs_printk_read(struct ebs_printk *printk, ebs_printk_function *print, void *context);

// How many texts were lost so far, as they came faster than they were read.
uint64_t ebs_printk_lost(const struct ebs_printk *printk);

#endif
