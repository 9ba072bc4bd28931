// SPDX-License-Identifier: GPL-2.0-only
// Programs on functions of processes, one or many, by their places in a file.
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "binary/file.h"
#include "binary/lookup.h"
#include "kernel/attach_private.h"
#include "kernel/link_create.h"
#include "kernel/spread.h"
#include "kernel/uprobe_target.h"
#include "kernel/watched_private.h"

// What is being attached, and where.
struct probe {
	struct ebs_program *program;
	struct ebs_binary *binary;
	struct ebs_places places;
	pid_t pid; // -1: all
	bool at_return;
	struct ebs_link *link;
};

static bool is_multi(const struct ebs_program *program)
{
	return strstr(program->section, "probe.multi") || strstr(program->section, "probe.session");
}

static bool is_session(const struct ebs_program *program)
{
	return strncmp(program->section, "uprobe.session", 14) == 0;
}

// The cookie is the place's number, from 1 on. Before Linux 5.15 there are none, nor is there a
// helper that asks for them.
static int attach_one(void *context, uint32_t first, uint32_t count)
{
	struct probe *probe = context;
	LIBBPF_OPTS(bpf_uprobe_opts, options, .retprobe = probe->at_return,
		    .bpf_cookie = first + 1);
	const char *path = ebs_binary_path(probe->binary);
	uint64_t offset = probe->places.items[first].offset;
	int result = ebs_link_add(
		probe->link, bpf_program__attach_uprobe_opts(probe->program->handle, probe->pid,
							     path, offset, &options));

	if (result == -EOPNOTSUPP) {
		options.bpf_cookie = 0;
		result = ebs_link_add(probe->link, bpf_program__attach_uprobe_opts(
							   probe->program->handle, probe->pid, path,
							   offset, &options));
	}
	return result;
}

static int attach_many(void *context, uint32_t first, uint32_t count)
{
	struct probe *probe = context;
	uint64_t *offsets = calloc(count, 2 * sizeof(*offsets));
	if (!offsets)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		offsets[i] = probe->places.items[first + i].offset;
		offsets[count + i] = first + i + 1;
	}
	int result = ebs_link_create(&(struct ebs_link_attributes){
		.program = bpf_program__fd(probe->program->handle),
		.type = is_session(probe->program) ? EBS_ATTACH_TYPE_UPROBE_SESSION
						   : EBS_ATTACH_TYPE_UPROBE_MULTI,
		.uprobe_multi = {
			.path = (uint64_t)(uintptr_t)ebs_binary_path(probe->binary),
			.offsets = (uint64_t)(uintptr_t)offsets,
			.cookies = (uint64_t)(uintptr_t)(offsets + count),
			.count = count,
			.flags = probe->at_return,
			.pid = probe->pid > 0 ? (uint32_t)probe->pid : 0,
		} });

	free(offsets);
	return result < 0 ? result : ebs_link_add_fd(probe->link, result);
}

static bool is_chosen(const void *context, uint32_t place)
{
	return ((const struct probe *)context)->places.items[place].is_chosen;
}

static int keep_names(struct probe *probe, const bool *left_out)
{
	char **names = calloc(probe->places.count, sizeof(*names));

	for (uint32_t i = 0; names && i < probe->places.count; i++) {
		names[i] = probe->places.items[i].name;
		probe->places.items[i].name = NULL;
	}
	return names ? ebs_link_set_symbols(probe->link, names, probe->places.count, left_out)
		     : -ENOMEM;
}

static int explain(const struct probe *probe, const struct ebs_spread *spread, int number,
		   struct ebs_error *error)
{
	const char *file = ebs_binary_name(probe->binary);
	const char *name = probe->places.items[spread->refused].name;

	if (number == -EINVAL && is_session(probe->program))
		return ebs_error_explain(error, number,
					 "SEC(\"%s\"): this kernel has no sessions of uprobes "
					 "(Linux 6.13 does)",
					 probe->program->section);
	if (number == -ENOTSUPP || number == -ENOEXEC || number == -EIO)
		return ebs_error_explain(error, number,
					 "\"%s\" of %s begins with an instruction that can't be "
					 "probed: probe another one by its offset",
					 name, file);
	if (number == -EINVAL || number == -EOPNOTSUPP)
		return ebs_error_explain(error, number, "the kernel can't probe \"%s\" of %s", name,
					 file);
	return ebs_error_errno(error, number, "can't attach to \"%s\" of %s", name, file);
}

// Before Linux 6.6 one after the other. A program that is no "multi" always is.
static int attach_places(struct probe *probe, struct ebs_error *error)
{
	bool *left_out = calloc(probe->places.count, sizeof(*left_out));
	struct ebs_spread spread = {
		.count = probe->places.count,
		.attach = is_multi(probe->program) ? attach_many : attach_one,
		.is_chosen = is_chosen,
		.context = probe,
		.left_out = left_out,
		.one_by_one = !is_multi(probe->program),
	};
	int result = left_out ? 0 : -ENOMEM;

	if (!result && spread.attach == attach_many && !is_session(probe->program)) {
		result = attach_many(probe, 0, spread.count);
		spread.attached = result ? 0 : spread.count;
		if (result == -EINVAL) { // this kernel doesn't know the call
			spread.attach = attach_one;
			spread.one_by_one = true;
		}
	}
	if (left_out && !spread.attached && result != -ENOMEM)
		result = ebs_spread_attach(&spread);
	if (result)
		explain(probe, &spread, result, error);
	else if (!spread.attached)
		result = ebs_error_explain(error, EINVAL,
					   "the kernel can probe no one of %u "
					   "functions of %s",
					   spread.count, ebs_binary_name(probe->binary));
	else if (keep_names(probe, left_out))
		result = ebs_error_errno(error, ENOMEM, "can't attach");
	free(left_out);
	return result;
}

// A place that is given by its offset has no name but that.
static int add_offset(struct ebs_places *places, uint64_t offset)
{
	char *name = NULL;

	places->items = calloc(1, sizeof(*places->items));
	if (!places->items || asprintf(&name, "0x%llx", (unsigned long long)offset) < 0)
		return -ENOMEM;
	places->items[0] = (struct ebs_place){ .name = name, .offset = offset };
	places->count = 1;
	return 0;
}

// The functions, by the options else by the section; `offset` is added to a single one.
static int find_places(struct probe *probe, const struct ebs_attach_options *options,
		       const struct ebs_uprobe_target *target, struct ebs_error *error)
{
	const struct ebs_attach_value *list = &options->values[EBS_ATTACH_SYMBOLS];
	const struct ebs_attach_value *one = &options->values[EBS_ATTACH_SYMBOL];
	bool offset_given = options->values[EBS_ATTACH_OFFSET].given;
	uint64_t offset =
		offset_given ? (uint64_t)options->values[EBS_ATTACH_OFFSET].number : target->offset;
	const char *const *names = list->given  ? list->items
				   : one->given ? &one->text
						: (const char *const *)target->names;
	uint32_t count = list->given ? list->count : one->given ? 1 : target->name_count;

	if (list->given && (one->given || offset_given))
		return ebs_error_set(error, "EINVAL",
				     "give either symbols, or one symbol and its offset");
	if (!count)
		return add_offset(&probe->places, offset)
			       ? ebs_error_errno(error, ENOMEM, "can't attach")
			       : 0;
	int result = ebs_places_find(probe->binary, names, count, &probe->places, error);
	if (!result && offset) {
		if (probe->places.count > 1)
			return ebs_error_set(error, "EINVAL",
					     "an offset goes with one function, and \"%s\" means "
					     "%u",
					     names[0], probe->places.count);
		probe->places.items[0].offset += offset;
	}
	return result;
}

static int refuse_go(const struct probe *probe, struct ebs_error *error)
{
	return ebs_error_explain(
		error, EOPNOTSUPP,
		"SEC(\"%s\") would end the processes of %s: it is a Go program, whose stacks move, "
		"and Go finds the return address that the probe has changed; probe the function's "
		"RET instructions by their offsets, or attach all the same with force = true",
		probe->program->section, ebs_binary_name(probe->binary));
}

static void note_old_users(const struct probe *probe)
{
	struct ebs_buffer pids = { 0 };
	unsigned count = probe->pid > 0 ? 0 : ebs_binary_old_users(probe->binary, &pids);

	if (count && !pids.failed)
		ebs_buffer_printf(&probe->link->notices,
				  "%s was replaced while %s running (%s): what %s is not seen; "
				  "option pid attaches to the file that a process has mapped\n",
				  ebs_binary_name(probe->binary),
				  count == 1 ? "a process was" : "processes were", pids.data,
				  count == 1 ? "it does" : "these do");
	ebs_buffer_free(&pids);
}

// With one process its end is all that matters.
static int watch_file(struct probe *probe, struct ebs_error *error)
{
	note_old_users(probe);
	if (probe->pid > 0 || !ebs_link_watch_file(probe->link, ebs_binary_name(probe->binary)))
		return 0;
	return ebs_error_errno(error, ENOMEM, "can't attach");
}

static bool says_where(const struct ebs_attach_options *options,
		       const struct ebs_uprobe_target *target)
{
	return options->values[EBS_ATTACH_SYMBOL].given ||
	       options->values[EBS_ATTACH_SYMBOLS].given ||
	       options->values[EBS_ATTACH_OFFSET].given || target->name_count || target->has_offset;
}

int ebs_attach_uprobe(struct ebs_program *program, const struct ebs_attach_options *options,
		      struct ebs_link *link, struct ebs_error *error)
{
	const char *path = options->values[EBS_ATTACH_PATH].text;
	bool forced = options->values[EBS_ATTACH_FORCE].number;
	struct ebs_uprobe_target target;
	struct probe probe = {
		.program = program,
		.pid = options->values[EBS_ATTACH_PID].given
			       ? (pid_t)options->values[EBS_ATTACH_PID].number
			       : -1,
		.at_return = strncmp(program->section, "uret", 4) == 0,
		.link = link,
	};
	int result =
		ebs_uprobe_target_parse(ebs_section_target(program), is_multi(program), &target);

	path = path ? path : target.path;
	if (result)
		ebs_error_errno(error, result, "can't attach a uprobe");
	else if (!says_where(options, &target))
		result = ebs_error_set(
			error, "EINVAL",
			is_multi(program)
				? "SEC(\"%s\"): say which functions of which file: PATH:GLOB, or "
				  "the options path and symbols"
				: "SEC(\"%s\"): give it a symbol or an offset in the file, or "
				  "symbols",
			program->section);
	else if (probe.pid > 0 && kill(probe.pid, 0) && errno == ESRCH)
		result = ebs_error_explain(error, ESRCH, "there is no process %d", (int)probe.pid);
	else if (!(probe.binary = ebs_binary_open_name(path, probe.pid, error)))
		result = -ENOENT;
	else if ((probe.at_return || is_session(program)) && !forced &&
		 ebs_binary_is_go(probe.binary))
		result = refuse_go(&probe, error);
	else
		result = find_places(&probe, options, &target, error);
	if (!result)
		result = attach_places(&probe, error);
	if (!result)
		result = watch_file(&probe, error);
	ebs_places_free(&probe.places);
	ebs_binary_close(probe.binary);
	ebs_uprobe_target_free(&target);
	return result;
}
