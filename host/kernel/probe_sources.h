// SPDX-License-Identifier: GPL-2.0-only
// Where the names of probes come from; see probe_list.h.
#ifndef EBS_KERNEL_PROBE_SOURCES_H
#define EBS_KERNEL_PROBE_SOURCES_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"

// What is asked for.
struct ebs_probe_query {
	const char *file; // of kinds that look into one
	const char *glob; // for the name
	bool details;
	// Takes a probe; `details`: lines, or NULL. Returns 0 or -ENOMEM.
	int (*add)(void *context, const char *name, const char *details);
	void *context;
};

// Each returns 0, or a negative errno with `error` filled.
typedef int ebs_probe_source(const struct ebs_probe_query *query, struct ebs_error *error);
ebs_probe_source ebs_list_tracepoints; // probe_sources.c
ebs_probe_source ebs_list_kernel_functions;
ebs_probe_source ebs_list_syscalls;
ebs_probe_source ebs_list_traced_functions; // probe_types.c
ebs_probe_source ebs_list_raw_tracepoints;
ebs_probe_source ebs_list_iterators;
ebs_probe_source ebs_list_lsm_hooks;
ebs_probe_source ebs_list_file_functions; // probe_sources.c
ebs_probe_source ebs_list_usdt;

#endif
