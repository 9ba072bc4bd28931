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
	char *globs; // each ends with a NUL; the last with two
	bool failed;
};

static void free_targets(struct targets *targets)
{
	for (uint32_t i = 0; targets->names && i < targets->count; i++)
		free(targets->names[i]);
	free(targets->names);
	free(targets->offsets);
	free(targets->globs);
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

// Options and sections have lists with commas.
static int take_globs(struct targets *targets, const char *text)
{
	size_t size = strlen(text);

	targets->globs = calloc(1, size + 2);
	if (!targets->globs)
		return -ENOMEM;
	memcpy(targets->globs, text, size);
	for (char *comma = targets->globs; (comma = strchr(comma, ','));)
		*comma = '\0';
	return 0;
}

static bool is_wanted(const struct targets *targets, const char *name)
{
	for (const char *glob = targets->globs; *glob; glob += strlen(glob) + 1)
		if (fnmatch(glob, name, 0) == 0)
			return true;
	return false;
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

	if (symbol->is_resolver ||
	    (!is_wanted(targets, symbol->name) &&
	     (!symbol->demangled || !is_wanted(targets, symbol->demangled))))
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

static bool is_plain(const char *globs)
{
	return !strpbrk(globs, "*?[");
}

static int explain_kernel(const struct ebs_program *program, const char *globs, int number,
			  struct ebs_error *error)
{
	if (!ebs_kernel_has_kprobes())
		return ebs_error_explain(error, EOPNOTSUPP, "SEC(\"%s\"): " EBS_NO_KPROBES,
					 program->section);
	if (number == -EOPNOTSUPP || number == -EINVAL)
		return ebs_error_explain(error, number,
					 "SEC(\"%s\"): this kernel can't attach to many functions "
					 "at once (it is built without CONFIG_FPROBE, or too old)",
					 program->section);
	return ebs_error_errno(error, number, "can't attach to the kernel's functions \"%s\"",
			       globs);
}

int ebs_attach_kprobe_multi(struct ebs_program *program, const struct ebs_attach_options *options,
			    struct ebs_link *link, struct ebs_error *error)
{
	const char *globs = options->values[EBS_ATTACH_FUNCTIONS].text;
	struct targets targets = { 0 };
	bool session = strncmp(program->section, "kprobe.session", 14) == 0;
	if (!globs)
		globs = ebs_section_target(program);
	int result = take_globs(&targets, globs);

	if (!result && !ebs_kernel_has_kprobes())
		result = explain_kernel(program, globs, -EOPNOTSUPP, error);
	else if (!result)
		result = find_kernel_functions(&targets);
	if (!result && !targets.count)
		result = is_plain(globs) && !strchr(globs, ',')
				 ? ebs_kallsyms_refuse(globs, error)
				 : ebs_error_explain(error, ENOENT,
						     "the kernel has no functions \"%s\"", globs);
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
		result = fd < 0 ? explain_kernel(program, globs, fd, error)
				: ebs_link_add_fd(link, fd);
	} else if (!ebs_error_is_set(error)) {
		ebs_error_errno(error, result, "can't find the functions \"%s\"", globs);
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
	const char *globs = NULL;
	char *section_path = NULL;
	struct targets targets = { 0 };
	int result = parse_section(program, &section_path, &globs);
	const char *path = options->values[EBS_ATTACH_PATH].text;
	bool has_pid = options->values[EBS_ATTACH_PID].given;

	if (options->values[EBS_ATTACH_SYMBOLS].text)
		globs = options->values[EBS_ATTACH_SYMBOLS].text;
	if (!path)
		path = section_path;
	if (result || !globs || !*globs) {
		free(section_path);
		return ebs_error_set(
			error, "EINVAL",
			"SEC(\"%s\"): say which functions of which file: PATH:GLOB, or "
			"the options path and symbols",
			program->section);
	}
	char *file = ebs_binary_find(path, error);
	result = file ? take_globs(&targets, globs) : -ENOENT;
	if (!result)
		result = ebs_functions_visit(file, add_symbol, &targets, error);
	if (!result && !targets.count)
		result = is_plain(globs) && !strchr(globs, ',')
				 ? ebs_refuse_symbol(file, globs, error)
				 : ebs_error_explain(error, ENOENT, "%s has no functions \"%s\"",
						     file, globs);
	if (!result)
		result = attach_found(program, file, &targets,
				      has_pid ? (pid_t)options->values[EBS_ATTACH_PID].number : -1,
				      link, error);
	else if (!ebs_error_is_set(error))
		ebs_error_errno(error, result, "can't find the functions \"%s\"", globs);
	free(file);
	free(section_path);
	free_targets(&targets);
	return result;
}
