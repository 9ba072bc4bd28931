// SPDX-License-Identifier: GPL-2.0-only
// Probes that tracefs, the kernel's symbols, and files know.
#include "kernel/probe_sources.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binary/demangle.h"
#include "binary/find.h"
#include "binary/symbols.h"
#include "binary/usdt.h"
#include "kernel/attach_private.h"
#include "kernel/kallsyms.h"
#include "kernel/tracefs.h"
#include "kernel/tracepoint_context.h"

static int refuse_tracefs(int result, struct ebs_error *error)
{
	if (result == -EPERM || result == -EACCES)
		return ebs_error_explain(error, result,
					 "listing tracepoints needs root: tracefs can't be opened");
	if (result == -ENOENT)
		return ebs_tracefs_refuse_empty(error);
	return ebs_error_errno(error, result, "can't read tracefs, which lists the tracepoints");
}

// The fields of a tracepoint's own, from lines such as "\tfield:int prio;\toffset:8;\tsize:4;".
static int read_fields(const char *category, const char *name, struct ebs_buffer *out)
{
	struct ebs_buffer format = { 0 };
	char *path = NULL;
	int result = -ENOMEM;

	if (asprintf(&path, "events/%s/%s/format", category, name) >= 0)
		result = ebs_tracefs_read(path, &format);
	free(path);
	for (char *field = result ? NULL : strstr(format.data, "\tfield:"); field;
	     field = strstr(field, "\tfield:")) {
		field += strlen("\tfield:");
		char *end = strchr(field, ';');
		if (!end)
			break;
		*end = '\0';
		const char *space = strrchr(field, ' ');
		if (!space || strncmp(space + 1, "common_", 7))
			ebs_buffer_printf(out, "%s\n", field);
		field = end + 1;
	}
	ebs_buffer_free(&format);
	return result;
}

// The context's struct, then its fields.
static void append_details(const char *category, const char *name,
			   const struct ebs_tracepoint_contexts *contexts, struct ebs_buffer *out)
{
	struct ebs_buffer fields = { 0 };

	ebs_buffer_append_string(&fields, "");
	read_fields(category, name, &fields);
	const char *context =
		!contexts || fields.failed
			? NULL
			: ebs_tracepoint_context(contexts, category, name, fields.data);
	if (context)
		ebs_buffer_printf(out, "struct %s *ctx\n", context);
	ebs_buffer_append_string(out, fields.failed ? "" : fields.data);
	ebs_buffer_free(&fields);
}

static int add_tracepoint(const struct ebs_probe_query *query, char *event,
			  const struct ebs_tracepoint_contexts *contexts)
{
	struct ebs_buffer details = { 0 };
	char *colon = strchr(event, ':');
	if (!colon)
		return 0;
	*colon = '/';
	if (fnmatch(query->glob, event, 0) && fnmatch(query->glob, colon + 1, 0))
		return 0;
	if (query->details) {
		*colon = '\0';
		append_details(event, colon + 1, contexts, &details);
		*colon = '/';
	}
	int result = query->add(query->context, event, details.data);
	ebs_buffer_free(&details);
	return result;
}

int ebs_list_tracepoints(const struct ebs_probe_query *query, struct ebs_error *error)
{
	struct ebs_buffer events = { 0 };
	struct ebs_tracepoint_contexts *contexts = NULL;
	int result = ebs_tracefs_read("available_events", &events);
	if (result)
		refuse_tracefs(result, error);
	char *rest = events.data;
	char *line;

	if (!result && query->details) // without BTF there are the fields alone
		contexts = ebs_tracepoint_contexts_read(NULL);
	while (!result && (line = strsep(&rest, "\n")))
		result = add_tracepoint(query, line, contexts);
	ebs_tracepoint_contexts_free(contexts);
	ebs_buffer_free(&events);
	return result;
}

struct prefixed {
	const struct ebs_probe_query *query;
	const char *prefix; // left away
};

static int add_function(void *context, const char *name)
{
	const struct prefixed *prefixed = context;
	const struct ebs_probe_query *query = prefixed->query;
	size_t length = strlen(prefixed->prefix);

	if (strncmp(name, prefixed->prefix, length) || fnmatch(query->glob, name + length, 0))
		return 0;
	return query->add(query->context, name + length, NULL);
}

static int list_symbols(const char *prefix, const struct ebs_probe_query *query,
			struct ebs_error *error)
{
	struct prefixed prefixed = { query, prefix };
	int result = ebs_kallsyms_visit(add_function, &prefixed);

	return result ? ebs_error_errno(error, result, "can't read the kernel's functions") : 0;
}

int ebs_list_kernel_functions(const struct ebs_probe_query *query, struct ebs_error *error)
{
	struct ebs_buffer functions = { 0 };
	int result = ebs_kernel_need_kprobes(error);
	if (result)
		return result;
	result = ebs_tracefs_functions(query->glob, &functions);
	char *rest = functions.data;
	char *line;

	if (result) // no ftrace: what has a name in the text can be probed, or nearly all of it
		result = list_symbols("", query, error);
	else
		while (!result && (line = strsep(&rest, "\n")))
			if (*line)
				result = query->add(query->context, line, NULL);
	ebs_buffer_free(&functions);
	return result;
}

int ebs_list_syscalls(const struct ebs_probe_query *query, struct ebs_error *error)
{
	int result = ebs_kernel_need_kprobes(error);

	return result ? result : list_symbols(EBS_SYSCALL_PREFIX "sys_", query, error);
}

struct in_file {
	const struct ebs_probe_query *query;
	const char *path;
};

static int add_name(const struct in_file *in_file, const char *symbol, const char *details)
{
	const struct ebs_probe_query *query = in_file->query;
	char *name = NULL;

	if (asprintf(&name, "%s:%s", in_file->path, symbol) < 0)
		return -ENOMEM;
	int result = query->add(query->context, name, query->details ? details : NULL);
	free(name);
	return result;
}

// SEC("uprobe/FILE:NAME"); a demangled name tells what the other means.
static int add_symbol(void *context, const struct ebs_symbol *symbol)
{
	const struct in_file *in_file = context;
	const char *glob = in_file->query->glob;

	if (symbol->is_resolver)
		return 0;
	char *demangled = ebs_demangle(symbol->name, EBS_NAME_WHOLE);
	bool matches = fnmatch(glob, symbol->name, 0) == 0 ||
		       (demangled && fnmatch(glob, demangled, 0) == 0);
	int result = matches ? add_name(in_file, symbol->name, demangled) : 0;

	free(demangled);
	return result;
}

int ebs_list_file_functions(const struct ebs_probe_query *query, struct ebs_error *error)
{
	char *path = ebs_binary_find(query->file, error);
	struct in_file in_file = { query, path };
	int result = path ? ebs_functions_visit(path, add_symbol, &in_file, error) : -ENOENT;

	free(path);
	return result;
}

static int add_usdt(void *context, const struct ebs_usdt *probe)
{
	const struct in_file *in_file = context;

	return fnmatch(in_file->query->glob, probe->name, 0)
		       ? 0
		       : add_name(in_file, probe->name, probe->arguments);
}

int ebs_list_usdt(const struct ebs_probe_query *query, struct ebs_error *error)
{
	struct ebs_binary *binary = ebs_binary_open_name(query->file, 0, error);
	if (!binary)
		return -ENOENT;
	struct in_file in_file = { query, ebs_binary_name(binary) };
	int result = ebs_usdt_visit(binary, add_usdt, &in_file);

	ebs_binary_close(binary);
	return result;
}
