// SPDX-License-Identifier: GPL-2.0-only
// The struct that a program on a tracepoint gets as its context, found by its fields.
//
// The kernel's include/trace/stages make a struct trace_event_raw_CLASS for each event class. No
// file says which class a tracepoint has, but tracefs lists its fields, and they have the names and
// the order of the struct's members.
#include "kernel/tracepoint_context.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "types/prototypes.h"

#define PREFIX "trace_event_raw_"

struct context {
	char *name;
	char *members; // their names, each followed by a comma
};

struct ebs_tracepoint_contexts {
	struct context *list;
	size_t count;
};

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

// Appends the name that a declaration ends with: "char prev_comm[16]" has prev_comm.
static void append_name(struct ebs_buffer *names, const char *line, size_t length)
{
	static const char *const dynamic[] = { "__data_loc_", "__rel_loc_" };
	const char *bracket = memchr(line, '[', length);
	const char *end = line + length;

	// "__data_loc char[] name" has its brackets elsewhere.
	if (bracket && end[-1] == ']')
		end = bracket;
	const char *start = end;
	while (start > line && start[-1] != ' ' && start[-1] != '*')
		start--;
	for (size_t i = 0; i < sizeof(dynamic) / sizeof(*dynamic); i++)
		if (starts_with(start, dynamic[i]))
			start += strlen(dynamic[i]);
	ebs_buffer_append(names, start, end - start);
	ebs_buffer_append_char(names, ',');
}

// The names that the lines declare, NULL when memory is short.
static char *names_of(const char *lines)
{
	struct ebs_buffer names = { 0 };

	ebs_buffer_append_string(&names, "");
	for (size_t length; *lines; lines += length + (lines[length] == '\n')) {
		length = strcspn(lines, "\n");
		if (length)
			append_name(&names, lines, length);
	}
	return ebs_buffer_take(&names);
}

// The struct's first member and its last one are the same in all.
static int add(void *context, const char *name, const char *members)
{
	struct ebs_tracepoint_contexts *contexts = context;
	const char *head = "struct trace_entry ent\n";
	const char *tail = strstr(members, "char __data[0]\n");

	if (!starts_with(members, head) || !tail)
		return 0;
	struct context *list = reallocarray(contexts->list, contexts->count + 1, sizeof(*list));
	char *own = strndup(members + strlen(head), tail - members - strlen(head));
	if (list)
		contexts->list = list;
	if (!list || !own) {
		free(own);
		return -ENOMEM;
	}
	struct context *added = &list[contexts->count++];
	added->name = malloc(strlen(PREFIX) + strlen(name) + 1);
	added->members = names_of(own);
	free(own);
	if (!added->name || !added->members)
		return -ENOMEM;
	stpcpy(stpcpy(added->name, PREFIX), name);
	return 0;
}

struct ebs_tracepoint_contexts *ebs_tracepoint_contexts_read(struct ebs_error *error)
{
	struct ebs_tracepoint_contexts *contexts = calloc(1, sizeof(*contexts));
	int result =
		contexts ? ebs_structs_visit(PREFIX, "*", true, add, contexts, error) : -ENOMEM;

	if (!result)
		return contexts;
	ebs_error_errno(error, result, "can't read the structs of tracepoints");
	ebs_tracepoint_contexts_free(contexts);
	return NULL;
}

void ebs_tracepoint_contexts_free(struct ebs_tracepoint_contexts *contexts)
{
	if (!contexts)
		return;
	for (size_t i = 0; i < contexts->count; i++) {
		free(contexts->list[i].name);
		free(contexts->list[i].members);
	}
	free(contexts->list);
	free(contexts);
}

// All system calls have one struct each way, whose members are a number and an array.
static const char *syscall_class(const char *category, const char *name)
{
	if (strcmp(category, "syscalls"))
		return NULL;
	return starts_with(name, "sys_enter_")  ? PREFIX "sys_enter"
	       : starts_with(name, "sys_exit_") ? PREFIX "sys_exit"
						: NULL;
}

const char *ebs_tracepoint_context(const struct ebs_tracepoint_contexts *contexts,
				   const char *category, const char *name, const char *fields)
{
	const char *syscall = syscall_class(category, name);
	const char *found = NULL;
	char *names = names_of(fields);

	for (size_t i = 0; names && i < contexts->count; i++) {
		const struct context *context = &contexts->list[i];
		bool own = strcmp(context->name + strlen(PREFIX), name) == 0;

		if (syscall ? strcmp(context->name, syscall) != 0
			    : strcmp(context->members, names) != 0)
			continue;
		if (!found || own)
			found = context->name;
	}
	free(names);
	return found;
}
