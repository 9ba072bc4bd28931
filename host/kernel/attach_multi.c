// SPDX-License-Identifier: GPL-2.0-only
// Programs on many functions of the kernel, by names and globs: at once, or one after the other.
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/attach_private.h"
#include "kernel/feature.h"
#include "kernel/function_list.h"
#include "kernel/link_create.h"
#include "kernel/spread.h"
#include "kernel/uprobe_target.h"

struct probe {
	struct ebs_program *program;
	struct ebs_function_list functions;
	bool at_return;
	struct ebs_link *link;
};

static bool is_session(const struct ebs_program *program)
{
	return strncmp(program->section, "kprobe.session", 14) == 0;
}

static bool is_multi(const struct ebs_program *program)
{
	return is_session(program) || strstr(program->section, "probe.multi");
}

// The cookie is the function's number, from 1 on.
static int attach_many(void *context, uint32_t first, uint32_t count)
{
	struct probe *probe = context;
	const char **names = calloc(count, sizeof(*names));
	uint64_t *cookies = calloc(count, sizeof(*cookies));
	int result = names && cookies ? 0 : -ENOMEM;

	for (uint32_t i = 0; !result && i < count; i++) {
		names[i] = probe->functions.items[first + i].name;
		cookies[i] = first + i + 1;
	}
	if (!result)
		result = ebs_link_create(&(struct ebs_link_attributes){
			.program = bpf_program__fd(probe->program->handle),
			.type = is_session(probe->program) ? EBS_ATTACH_TYPE_KPROBE_SESSION
							   : BPF_TRACE_KPROBE_MULTI,
			.kprobe_multi = {
				.flags = probe->at_return,
				.count = count,
				.symbols = (uint64_t)(uintptr_t)names,
				.cookies = (uint64_t)(uintptr_t)cookies,
			} });
	free(names);
	free(cookies);
	return result < 0 ? result : ebs_link_add_fd(probe->link, result);
}

// Before Linux 5.15 there are no cookies.
static int attach_one(void *context, uint32_t first, uint32_t count)
{
	struct probe *probe = context;
	const char *name = probe->functions.items[first].name;
	LIBBPF_OPTS(bpf_kprobe_opts, options, .retprobe = probe->at_return,
		    .bpf_cookie = first + 1);
	int result = ebs_link_add(probe->link, bpf_program__attach_kprobe_opts(
						       probe->program->handle, name, &options));

	if (result == -EOPNOTSUPP) {
		options.bpf_cookie = 0;
		result = ebs_link_add(probe->link, bpf_program__attach_kprobe_opts(
							   probe->program->handle, name, &options));
	}
	return result;
}

static bool is_chosen(const void *context, uint32_t place)
{
	return ((const struct probe *)context)->functions.items[place].is_chosen;
}

static int explain(const struct probe *probe, const struct ebs_spread *spread, int number,
		   struct ebs_error *error)
{
	const char *name = probe->functions.items[spread->refused].name;

	if (is_multi(probe->program) && !ebs_has_program("kprobe.multi", NULL))
		return ebs_error_explain(error, EOPNOTSUPP,
					 "SEC(\"%s\"): this kernel can't attach to many functions "
					 "at once (it is built without CONFIG_FPROBE, or too old)",
					 probe->program->section);
	if (is_session(probe->program) && number == -EINVAL)
		return ebs_error_explain(error, number,
					 "SEC(\"%s\"): this kernel has no sessions of kprobes "
					 "(Linux 6.10 does)",
					 probe->program->section);
	if (number == -EINVAL || number == -ENOENT || number == -ESRCH || number == -EOPNOTSUPP ||
	    number == -ENOTSUPP || number == -EADDRNOTAVAIL)
		return ebs_error_explain(error, number,
					 "the kernel's function \"%s\" can't be probed: it is "
					 "marked as such, or has several copies",
					 name);
	return ebs_error_errno(error, number, "can't probe the kernel's function \"%s\"", name);
}

static int keep_names(struct probe *probe, const bool *left_out)
{
	char **names = calloc(probe->functions.count, sizeof(*names));

	for (uint32_t i = 0; names && i < probe->functions.count; i++) {
		names[i] = probe->functions.items[i].name;
		probe->functions.items[i].name = NULL;
	}
	return names ? ebs_link_set_symbols(probe->link, names, probe->functions.count, left_out)
		     : -ENOMEM;
}

static int attach_functions(struct probe *probe, struct ebs_error *error)
{
	bool *left_out = calloc(probe->functions.count, sizeof(*left_out));
	struct ebs_spread spread = {
		.count = probe->functions.count,
		.attach = is_multi(probe->program) ? attach_many : attach_one,
		.is_chosen = is_chosen,
		.context = probe,
		.one_by_one = !is_multi(probe->program),
		.left_out = left_out,
	};
	int result = left_out ? ebs_spread_attach(&spread) : -ENOMEM;

	if (result)
		explain(probe, &spread, result, error);
	else if (!spread.attached)
		result = explain(probe, &spread, -EINVAL, error);
	else if (keep_names(probe, left_out))
		result = ebs_error_errno(error, ENOMEM, "can't attach");
	free(left_out);
	return result;
}

int ebs_attach_kprobe_multi(struct ebs_program *program, const struct ebs_attach_options *options,
			    struct ebs_link *link, struct ebs_error *error)
{
	const struct ebs_attach_value *list = &options->values[EBS_ATTACH_FUNCTIONS];
	struct probe probe = {
		.program = program,
		.at_return = strncmp(program->section, "kret", 4) == 0,
		.link = link,
	};
	char *text = list->given ? NULL : strdup(ebs_section_target(program));
	const char **names = NULL;
	uint32_t count = text ? ebs_list_split(text, &names) : list->count;
	int result = 0;

	if (!ebs_kernel_has_kprobes())
		result = ebs_error_explain(error, EOPNOTSUPP, "SEC(\"%s\"): " EBS_NO_KPROBES,
					   program->section);
	else if (!count)
		result = ebs_error_errno(error, ENOMEM, "can't attach");
	else
		result = ebs_function_list_find(&probe.functions, text ? names : list->items, count,
						error);
	if (!result)
		result = attach_functions(&probe, error);
	ebs_function_list_free(&probe.functions);
	free(names);
	free(text);
	return result;
}
