// SPDX-License-Identifier: GPL-2.0-only
// Programs on many functions at once, of the kernel or of a file: by globs and lists.
#include <bpf/bpf.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "binary/find.h"
#include "binary/symbols.h"
#include "kernel/attach_private.h"
#include "kernel/kallsyms.h"
#include "kernel/link_create.h"
#include "kernel/tracefs.h"
#include "kernel/uprobe_symbol.h"

// The functions that are to be probed. Start with { 0 }.
struct targets {
	char **names;      // of the kernel's
	uint64_t *offsets; // in a file
	uint32_t count;
	uint32_t capacity;
	const char *const *globs; // and names
	uint32_t glob_count;
	char *section_list; // what the globs of a section lie in
	const char **section_globs;
	bool *found; // for each of them
	bool failed;
};

static void free_targets(struct targets *targets)
{
	for (uint32_t i = 0; targets->names && i < targets->count; i++)
		free(targets->names[i]);
	free(targets->names);
	free(targets->offsets);
	free(targets->found);
	free(targets->section_globs);
	free(targets->section_list);
}

static bool make_room(struct targets *targets)
{
	if (targets->count < targets->capacity)
		return true;
	uint32_t capacity = targets->capacity ? targets->capacity * 2 : 64;
	char **names = reallocarray(targets->names, capacity, sizeof(*names));
	uint64_t *offsets =
		names ? reallocarray(targets->offsets, capacity, sizeof(*offsets)) : NULL;

	targets->names = names ? names : targets->names;
	targets->offsets = offsets ? offsets : targets->offsets;
	targets->failed |= !offsets;
	targets->capacity = offsets ? capacity : targets->capacity;
	return offsets;
}

// Where the element ends: at a comma that no bracket of a C++ name is around.
static char *element_end(char *text)
{
	int depth = 0;

	for (; *text && (*text != ',' || depth > 0); text++) {
		depth += *text == '(' || *text == '<';
		depth -= *text == ')' || *text == '>';
	}
	return text;
}

// A section has a list with commas.
static int take_section_list(struct targets *targets, const char *text)
{
	char *rest = targets->section_list = strdup(text);
	bool more = rest;

	while (more) {
		char *end = element_end(rest);
		const char **globs = reallocarray(targets->section_globs, targets->glob_count + 1,
						  sizeof(*globs));
		if (!globs)
			return -ENOMEM;
		more = *end;
		*end = '\0';
		globs[targets->glob_count++] = rest;
		targets->section_globs = globs;
		targets->globs = globs;
		rest = end + 1;
	}
	return targets->section_list ? 0 : -ENOMEM;
}

static int take_globs(struct targets *targets, const struct ebs_attach_value *option,
		      const char *section)
{
	targets->globs = option->items;
	targets->glob_count = option->count;
	if (!option->given && take_section_list(targets, section))
		return -ENOMEM;
	targets->found = calloc(targets->glob_count, sizeof(*targets->found));
	return targets->found ? 0 : -ENOMEM;
}

// Marks each name and glob that means the function.
static bool is_wanted(const struct targets *targets, const char *name)
{
	bool wanted = false;

	for (uint32_t i = 0; i < targets->glob_count; i++)
		if (strcmp(targets->globs[i], name) == 0 ||
		    fnmatch(targets->globs[i], name, 0) == 0)
			wanted = targets->found[i] = true;
	return wanted;
}

// The first that no function has, or NULL.
static const char *find_missing(const struct targets *targets)
{
	for (uint32_t i = 0; i < targets->glob_count; i++)
		if (!targets->found[i])
			return targets->globs[i];
	return NULL;
}

static int add_name(void *context, const char *name)
{
	struct targets *targets = context;

	if (!is_wanted(targets, name) || !make_room(targets))
		return targets->failed ? -ENOMEM : 0;
	targets->offsets[targets->count] = 0;
	targets->names[targets->count] = strdup(name);
	if (!targets->names[targets->count])
		return -ENOMEM;
	targets->count++;
	return 0;
}

// One place may have several names.
static int add_symbol(void *context, const struct ebs_symbol *symbol)
{
	struct targets *targets = context;

	if (symbol->is_resolver)
		return 0;
	bool wanted = is_wanted(targets, symbol->name);
	wanted |= symbol->demangled && is_wanted(targets, symbol->demangled);
	if (!wanted)
		return 0;
	for (uint32_t i = 0; i < targets->count; i++)
		if (targets->offsets[i] == symbol->offset)
			return 0;
	if (!make_room(targets))
		return -ENOMEM;
	targets->names[targets->count] = NULL;
	targets->offsets[targets->count++] = symbol->offset;
	return 0;
}

// Those that ftrace knows; without its list, those that have a name.
static int find_kernel_functions(struct targets *targets)
{
	struct ebs_buffer lines = { 0 };
	int result = ebs_tracefs_functions("*", &lines);
	char *rest = lines.data;
	char *line;

	if (result)
		result = ebs_kallsyms_visit(add_name, targets);
	else
		while (!result && (line = strsep(&rest, "\n")))
			if (*line)
				result = add_name(targets, line);
	ebs_buffer_free(&lines);
	return result;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// Functions of several files may have one name. The kernel attaches to one of them, and refuses a
// list that has it twice.
static void drop_doubles(struct targets *targets)
{
	uint32_t kept = 0;

	qsort(targets->names, targets->count, sizeof(*targets->names), compare_names);
	for (uint32_t i = 0; i < targets->count; i++) {
		if (kept && strcmp(targets->names[i], targets->names[kept - 1]) == 0)
			free(targets->names[i]);
		else
			targets->names[kept++] = targets->names[i];
	}
	targets->count = kept;
}

static int explain_kernel(const struct ebs_program *program, const struct targets *targets,
			  int number, struct ebs_error *error)
{
	if (!ebs_kernel_has_kprobes())
		return ebs_error_explain(error, EOPNOTSUPP, "SEC(\"%s\"): " EBS_NO_KPROBES,
					 program->section);
	if (number == -EOPNOTSUPP || number == -EINVAL)
		return ebs_error_explain(error, number,
					 "SEC(\"%s\"): this kernel can't attach to many functions "
					 "at once (it is built without CONFIG_FPROBE, or too old)",
					 program->section);
	return ebs_error_errno(error, number, "can't attach to %u functions of the kernel",
			       targets->count);
}

static bool is_plain(const char *glob)
{
	return !strpbrk(glob, "*?[");
}

int ebs_attach_kprobe_multi(struct ebs_program *program, const struct ebs_attach_options *options,
			    struct ebs_link *link, struct ebs_error *error)
{
	struct targets targets = { 0 };
	const char *missing = NULL;
	bool session = strncmp(program->section, "kprobe.session", 14) == 0;
	int result = take_globs(&targets, &options->values[EBS_ATTACH_FUNCTIONS],
				ebs_section_target(program));

	if (!result && !ebs_kernel_has_kprobes())
		result = explain_kernel(program, &targets, -EOPNOTSUPP, error);
	else if (!result)
		result = find_kernel_functions(&targets);
	if (!result && (missing = find_missing(&targets)))
		result = is_plain(missing)
				 ? ebs_kallsyms_refuse(missing, error)
				 : ebs_error_explain(error, ENOENT,
						     "the kernel has no function \"%s\"", missing);
	if (!result) {
		drop_doubles(&targets);
		int fd = ebs_link_create(&(struct ebs_link_attributes){
			.program = bpf_program__fd(program->handle),
			.type = session ? EBS_ATTACH_TYPE_KPROBE_SESSION : BPF_TRACE_KPROBE_MULTI,
			.kprobe_multi = {
				.flags = strncmp(program->section, "kret", 4) == 0,
				.count = targets.count,
				.symbols = (uint64_t)(uintptr_t)targets.names,
			} });
		result = fd < 0 ? explain_kernel(program, &targets, fd, error)
				: ebs_link_add_fd(link, fd);
	} else if (!ebs_error_is_set(error)) {
		ebs_error_errno(error, result, "can't find the kernel's functions");
	}
	free_targets(&targets);
	return result;
}

// Before Linux 6.6: one after the other.
static int attach_each(struct ebs_program *program, const char *path, const struct targets *targets,
		       pid_t pid, bool at_return, struct ebs_link *link)
{
	int result = 0;

	for (uint32_t i = 0; !result && i < targets->count; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, probe, .retprobe = at_return);

		result = ebs_link_add(link,
				      bpf_program__attach_uprobe_opts(program->handle, pid, path,
								      targets->offsets[i], &probe));
	}
	return result;
}

static int attach_found(struct ebs_program *program, const char *path,
			const struct targets *targets, pid_t pid, struct ebs_link *link,
			struct ebs_error *error)
{
	bool at_return = strncmp(program->section, "uret", 4) == 0;
	bool session = strncmp(program->section, "uprobe.session", 14) == 0;
	int result = ebs_link_create(&(struct ebs_link_attributes){
		.program = bpf_program__fd(program->handle),
		.type = session ? EBS_ATTACH_TYPE_UPROBE_SESSION : EBS_ATTACH_TYPE_UPROBE_MULTI,
		.uprobe_multi = {
			.path = (uint64_t)(uintptr_t)path,
			.offsets = (uint64_t)(uintptr_t)targets->offsets,
			.count = targets->count,
			.flags = at_return,
			.pid = pid > 0 ? (uint32_t)pid : 0,
		} });

	if (result >= 0)
		return ebs_link_add_fd(link, result);
	if (result == -EINVAL && !session)
		result = attach_each(program, path, targets, pid, at_return, link);
	return result ? ebs_error_errno(error, result, "can't attach to %u functions of %s",
					targets->count, path)
		      : 0;
}

// "PATH:GLOB" of the section, where the options don't say it. `path` becomes owned.
static int parse_section(const struct ebs_program *program, char **path, const char **globs)
{
	const char *target = ebs_section_target(program);
	const char *colon = target ? strchr(target, ':') : NULL;

	if (!colon)
		return target ? -EINVAL : 0;
	*path = strndup(target, (size_t)(colon - target));
	*globs = colon + 1;
	return *path ? 0 : -ENOMEM;
}

int ebs_attach_uprobe_multi(struct ebs_program *program, const struct ebs_attach_options *options,
			    struct ebs_link *link, struct ebs_error *error)
{
	const struct ebs_attach_value *symbols = &options->values[EBS_ATTACH_SYMBOLS];
	const char *section_globs = NULL;
	const char *missing = NULL;
	char *section_path = NULL;
	struct targets targets = { 0 };
	int result = parse_section(program, &section_path, &section_globs);
	const char *path = options->values[EBS_ATTACH_PATH].text;
	bool has_pid = options->values[EBS_ATTACH_PID].given;

	if (!path)
		path = section_path;
	if (result || (!symbols->given && (!section_globs || !*section_globs))) {
		free(section_path);
		return ebs_error_set(
			error, "EINVAL",
			"SEC(\"%s\"): say which functions of which file: PATH:GLOB, or "
			"the options path and symbols",
			program->section);
	}
	char *file = ebs_binary_find(path, error);
	result = file ? take_globs(&targets, symbols, section_globs) : -ENOENT;
	if (!result)
		result = ebs_functions_visit(file, add_symbol, &targets, error);
	if (!result && (missing = find_missing(&targets)))
		result = is_plain(missing)
				 ? ebs_refuse_symbol(file, missing, error)
				 : ebs_error_explain(error, ENOENT, "%s has no function \"%s\"",
						     file, missing);
	if (!result)
		result = attach_found(program, file, &targets,
				      has_pid ? (pid_t)options->values[EBS_ATTACH_PID].number : -1,
				      link, error);
	else if (!ebs_error_is_set(error))
		ebs_error_errno(error, result, "can't find the functions of %s", path);
	free(file);
	free(section_path);
	free_targets(&targets);
	return result;
}
