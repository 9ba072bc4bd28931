// SPDX-License-Identifier: GPL-2.0-only
// What programs can be attached to on this machine: `ebscript -l`.
#include "kernel/probe_list.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/capabilities.h"
#include "kernel/feature.h"
#include "kernel/probe_sources.h"

// What SEC() begins with, and where the names behind it come from.
static const struct kind {
	const char *name;
	ebs_probe_source *source;
	bool has_file;
	bool quick; // part of a list of everything
} kinds[] = {
	{ "tracepoint", ebs_list_tracepoints, false, true },
	{ "tp", ebs_list_tracepoints, false, false },
	{ "tp_btf", ebs_list_raw_tracepoints, false, true },
	{ "raw_tp", ebs_list_raw_tracepoints, false, false },
	{ "raw_tracepoint", ebs_list_raw_tracepoints, false, false },
	{ "iter", ebs_list_iterators, false, true },
	{ "lsm", ebs_list_lsm_hooks, false, true },
	{ "fentry", ebs_list_traced_functions, false, false },
	{ "fexit", ebs_list_traced_functions, false, false },
	{ "kprobe", ebs_list_kernel_functions, false, false },
	{ "kretprobe", ebs_list_kernel_functions, false, false },
	{ "ksyscall", ebs_list_syscalls, false, false },
	{ "kretsyscall", ebs_list_syscalls, false, false },
	{ "uprobe", ebs_list_file_functions, true, false },
	{ "uretprobe", ebs_list_file_functions, true, false },
	{ "usdt", ebs_list_usdt, true, false },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct probe {
	char *name;
	char *details; // may be NULL
};

struct list {
	struct probe *probes;
	size_t count;
	size_t capacity;
	const char *kind; // that is being listed
};

static int add(void *context, const char *name, const char *details)
{
	struct list *list = context;
	struct ebs_buffer full = { 0 };

	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 256;
		struct probe *probes = reallocarray(list->probes, capacity, sizeof(*probes));
		if (!probes)
			return -ENOMEM;
		list->probes = probes;
		list->capacity = capacity;
	}
	ebs_buffer_printf(&full, "%s/%s", list->kind, name);
	struct probe probe = { ebs_buffer_take(&full), details ? strdup(details) : NULL };
	if (!probe.name || (details && !probe.details)) {
		free(probe.name);
		return -ENOMEM;
	}
	list->probes[list->count++] = probe;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct probe *)a)->name, ((const struct probe *)b)->name);
}

static void write_indented(const char *lines, struct ebs_buffer *out)
{
	while (*lines) {
		size_t length = strcspn(lines, "\n");

		ebs_buffer_printf(out, "    %.*s\n", (int)length, lines);
		lines += length + (lines[length] == '\n');
	}
}

// Sorted, each name once. Returns how many.
static int write_list(struct list *list, struct ebs_buffer *out)
{
	int written = 0;

	if (list->count)
		qsort(list->probes, list->count, sizeof(*list->probes), compare);
	for (size_t i = 0; i < list->count; i++) {
		const struct probe *probe = &list->probes[i];

		if (i && strcmp(probe->name, probe[-1].name) == 0)
			continue;
		ebs_buffer_printf(out, "%s\n", probe->name);
		if (probe->details)
			write_indented(probe->details, out);
		written++;
	}
	return written;
}

static void append_refusal(const char *name, struct ebs_buffer *refused)
{
	struct ebs_error why = { 0 };

	if (!ebs_has_program(name, &why))
		ebs_buffer_printf(refused, "%s: %s\n", name, ebs_error_text(&why));
	ebs_error_clear(&why);
}

// The list is sorted, so that each kind is asked for once. Iterators are refused one by one.
static void append_refusals(const struct list *list, struct ebs_buffer *refused)
{
	const char *last = "";

	for (size_t i = 0; ebs_capability_have(CAP_BPF) && i < list->count; i++) {
		const char *name = list->probes[i].name;
		size_t length = strcspn(name, "/");
		char kind[32];

		snprintf(kind, sizeof(kind), "%.*s", (int)length, name);
		bool whole = strcmp(kind, "iter") == 0;
		if (strncmp(name, last, whole ? strlen(name) + 1 : length + 1) != 0)
			append_refusal(whole ? name : kind, refused);
		last = name;
	}
}

static void free_list(struct list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->probes[i].name);
		free(list->probes[i].details);
	}
	free(list->probes);
}

static const struct kind *find_kind(const char *name, size_t length)
{
	for (const struct kind *kind = kinds; kind < kinds + KINDS; kind++)
		if (strlen(kind->name) == length && strncmp(kind->name, name, length) == 0)
			return kind;
	return NULL;
}

static int refuse_kind(const char *pattern, size_t length, struct ebs_error *error)
{
	struct ebs_buffer names = { 0 };

	for (const struct kind *kind = kinds; kind < kinds + KINDS; kind++)
		ebs_buffer_printf(&names, "%s%s", kind == kinds ? "" : ", ", kind->name);
	int result = ebs_error_set(error, "EINVAL",
				   "there is no kind of probes \"%.*s\" to list; there are: %s",
				   (int)length, pattern, names.data ? names.data : "");
	ebs_buffer_free(&names);
	return result;
}

// Names are written with '/' between their parts; people also write ':'.
static int list_names(const struct kind *kind, struct ebs_probe_query *query, const char *glob,
		      struct ebs_error *error)
{
	char *copy = strdup(*glob ? glob : "*");
	if (!copy)
		return ebs_error_errno(error, ENOMEM, "can't list probes");
	char *colon = kind->source == ebs_list_tracepoints ? strchr(copy, ':') : NULL;
	if (colon)
		*colon = '/';
	query->glob = copy;
	int result = kind->source(query, error);
	free(copy);
	return result;
}

static int list_file(const struct kind *kind, struct ebs_probe_query *query, const char *rest,
		     struct ebs_error *error)
{
	const char *colon = strchr(rest, ':');
	char *file = strndup(rest, colon ? (size_t)(colon - rest) : strlen(rest));
	if (!file)
		return ebs_error_errno(error, ENOMEM, "can't list probes");
	query->file = file;
	query->glob = colon && colon[1] ? colon + 1 : "*";
	int result =
		*file ? kind->source(query, error)
		      : ebs_error_set(error, "EINVAL", "%s: name a file, such as %s:/bin/bash:*",
				      kind->name, kind->name);
	free(file);
	return result;
}

static int list_kind(struct list *list, const char *pattern, struct ebs_probe_query *query,
		     struct ebs_error *error)
{
	size_t length = strcspn(pattern, ":/");
	const struct kind *kind = find_kind(pattern, length);
	if (!kind)
		return refuse_kind(pattern, length, error);
	const char *rest = pattern + length + (pattern[length] != '\0');

	list->kind = kind->name;
	return kind->has_file ? list_file(kind, query, rest, error)
			      : list_names(kind, query, rest, error);
}

// Where one kind can't be read, the others still can.
static int list_quick(struct list *list, struct ebs_probe_query *query, struct ebs_error *error)
{
	int result = 0;

	for (const struct kind *kind = kinds; kind < kinds + KINDS; kind++) {
		struct ebs_error ignored = { 0 };
		if (!kind->quick)
			continue;
		list->kind = kind->name;
		int failed = kind->source(query, list->count || result ? &ignored : error);
		ebs_error_clear(&ignored);
		result = failed ? failed : result;
	}
	if (list->count)
		ebs_error_clear(error);
	return list->count ? 0 : result;
}

int ebs_probes_list(const char *pattern, bool details, struct ebs_buffer *out,
		    struct ebs_buffer *refused, struct ebs_error *error)
{
	struct list list = { 0 };
	struct ebs_probe_query query = {
		.glob = pattern, .details = details, .add = add, .context = &list
	};
	int result;

	if (!pattern || !strpbrk(pattern, ":/")) {
		query.glob = pattern ? pattern : "*";
		result = pattern && find_kind(pattern, strlen(pattern))
				 ? list_kind(&list, pattern, &query, error)
				 : list_quick(&list, &query, error);
	} else {
		result = list_kind(&list, pattern, &query, error);
	}
	if (result == -ENOMEM && !ebs_error_is_set(error))
		ebs_error_errno(error, result, "can't list probes");
	if (!result) {
		result = write_list(&list, out);
		append_refusals(&list, refused);
	}
	free_list(&list);
	return result;
}
