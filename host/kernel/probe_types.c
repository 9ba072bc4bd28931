// SPDX-License-Identifier: GPL-2.0-only
// Probes that the kernel's BTF knows.
#include <errno.h>
#include <linux/btf.h>
#include <string.h>

#include "kernel/probe_sources.h"
#include "kernel/tracefs.h"
#include "types/prototypes.h"

static int add(void *context, const char *name, const char *parameters)
{
	const struct ebs_probe_query *query = context;

	return query->add(query->context, name, parameters);
}

// The typedef names no parameters; the function that calls the tracers does. Its first is the
// tracer's own pointer, which programs don't see.
int ebs_list_raw_tracepoints(const struct ebs_probe_query *query, struct ebs_error *error)
{
	if (query->details)
		return ebs_prototypes_visit(BTF_KIND_FUNC, "__traceiter_", query->glob, true, 1,
					    add, (void *)query, error);
	return ebs_prototypes_visit(BTF_KIND_TYPEDEF, "btf_trace_", query->glob, false, 1, add,
				    (void *)query, error);
}

int ebs_list_lsm_hooks(const struct ebs_probe_query *query, struct ebs_error *error)
{
	return ebs_prototypes_visit(BTF_KIND_FUNC, "bpf_lsm_", query->glob, query->details, 0, add,
				    (void *)query, error);
}

// The kernel has twins of some contexts, for its verifier.
static int add_iterator(void *context, const char *name, const char *members)
{
	return strstr(name, "__safe") ? 0 : add(context, name, members);
}

int ebs_list_iterators(const struct ebs_probe_query *query, struct ebs_error *error)
{
	return ebs_structs_visit("bpf_iter__", query->glob, query->details, add_iterator,
				 (void *)query, error);
}

// Not all functions that BTF knows can be traced; ftrace knows which. A locked kernel doesn't tell.
struct traced {
	const struct ebs_probe_query *query;
	struct ebs_buffer functions; // lines, with a newline in front of the first; none: unknown
};

static int add_traced(void *context, const char *name, const char *parameters)
{
	struct traced *traced = context;
	size_t length = strlen(name);

	for (const char *line = traced->functions.data; line; line = strchr(line + 1, '\n'))
		if (strncmp(line + 1, name, length) == 0 && strchr(" \n", line[1 + length]))
			return add((void *)traced->query, name, parameters);
	return traced->functions.size ? 0 : add((void *)traced->query, name, parameters);
}

int ebs_list_traced_functions(const struct ebs_probe_query *query, struct ebs_error *error)
{
	struct traced traced = { .query = query };
	int result = ebs_tracefs_functions(query->glob, &traced.functions);

	if (result == -ENOENT || result == -EPERM)
		result = 0;
	if (result)
		ebs_error_errno(error, result, "can't read the functions that can be traced");
	else
		result = ebs_prototypes_visit(BTF_KIND_FUNC, "", query->glob, query->details, 0,
					      add_traced, &traced, error);
	ebs_buffer_free(&traced.functions);
	return result;
}
