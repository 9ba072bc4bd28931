// SPDX-License-Identifier: GPL-2.0-only
// Probes that the kernel's BTF knows.
#include <errno.h>
#include <linux/btf.h>
#include <stdlib.h>
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
	char **names; // sorted; NULL: unknown
	size_t count;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// Takes the lines apart. Returns 0 or -ENOMEM.
static int sort_names(struct traced *traced, struct ebs_buffer *lines)
{
	char *rest = lines->data;
	char *line;
	size_t most = 1;

	for (size_t i = 0; i < lines->size; i++)
		most += lines->data[i] == '\n';
	traced->names = reallocarray(NULL, most, sizeof(*traced->names));
	if (!traced->names)
		return -ENOMEM;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			traced->names[traced->count++] = line;
	qsort(traced->names, traced->count, sizeof(*traced->names), compare_names);
	return 0;
}

static int add_traced(void *context, const char *name, const char *parameters)
{
	const struct traced *traced = context;

	if (traced->names &&
	    !bsearch(&name, traced->names, traced->count, sizeof(*traced->names), compare_names))
		return 0;
	return add((void *)traced->query, name, parameters);
}

int ebs_list_traced_functions(const struct ebs_probe_query *query, struct ebs_error *error)
{
	struct traced traced = { .query = query };
	struct ebs_buffer lines = { 0 };
	int result = ebs_tracefs_functions(query->glob, &lines);

	if (!result)
		result = sort_names(&traced, &lines);
	if (result == -ENOENT || result == -EPERM)
		result = 0;
	if (result)
		ebs_error_errno(error, result, "can't read the functions that can be traced");
	else
		result = ebs_prototypes_visit(BTF_KIND_FUNC, "", query->glob, query->details, 0,
					      add_traced, &traced, error);
	free(traced.names);
	ebs_buffer_free(&lines);
	return result;
}
