// SPDX-License-Identifier: GPL-2.0-only
// The struct that a program on a tracepoint gets as its context.
#ifndef EBS_KERNEL_TRACEPOINT_CONTEXT_H
#define EBS_KERNEL_TRACEPOINT_CONTEXT_H

#include "base/error.h"

struct ebs_tracepoint_contexts;

// Reads the structs of all tracepoints from the kernel's BTF. NULL with `error` filled.
struct ebs_tracepoint_contexts *ebs_tracepoint_contexts_read(struct ebs_error *error);
void ebs_tracepoint_contexts_free(struct ebs_tracepoint_contexts *contexts);

// The name of the struct for a tracepoint with these fields, a line each as tracefs declares them:
// "trace_event_raw_tcp_event_sk_skb". Tracepoints of one event class share it, so it may carry the
// name of another one; NULL where none has these fields. Owned by `contexts`.
const char *ebs_tracepoint_context(const struct ebs_tracepoint_contexts *contexts,
				   const char *category, const char *name, const char *fields);

#endif
