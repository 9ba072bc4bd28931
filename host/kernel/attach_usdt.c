// SPDX-License-Identifier: GPL-2.0-only
// Programs on USDT probes, which libbpf attaches; what can't be is found out here.
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "binary/file.h"
#include "binary/usdt.h"
#include "kernel/attach_private.h"
#include "kernel/uprobe_target.h"
#include "kernel/watched_private.h"

static int explain(const struct ebs_usdt_target *target, struct ebs_binary *binary, int number,
		   struct ebs_error *error)
{
	const char *file = ebs_binary_name(binary);
	struct ebs_buffer odd = { 0 };

	if (number == -EINVAL || number == -ENOENT || number == -ESRCH)
		ebs_usdt_odd_argument(binary, target->provider, target->name, &odd);
	if (odd.size && !odd.failed)
		ebs_error_explain(error, number,
				  "USDT probe %s:%s of %s has an argument \"%s\", which libbpf "
				  "%d.%d can't read: it reads integers in registers, constants and "
				  "places in memory; a uprobe on the function takes its own",
				  target->provider, target->name, file, odd.data,
				  libbpf_major_version(), libbpf_minor_version());
	else
		ebs_error_errno(error, number, "can't attach to USDT probe %s:%s of %s",
				target->provider, target->name, file);
	ebs_buffer_free(&odd);
	return number;
}

int ebs_attach_usdt(struct ebs_program *program, const struct ebs_attach_options *options,
		    struct ebs_link *link, struct ebs_error *error)
{
	const struct ebs_attach_value *values = options->values;
	pid_t pid = values[EBS_ATTACH_PID].given ? (pid_t)values[EBS_ATTACH_PID].number : -1;
	struct ebs_usdt_target target;
	struct ebs_binary *binary = NULL;
	int result = ebs_usdt_target_parse(ebs_section_target(program), &target);

	if (values[EBS_ATTACH_PATH].given)
		target.path = values[EBS_ATTACH_PATH].text;
	if (values[EBS_ATTACH_PROVIDER].given)
		target.provider = values[EBS_ATTACH_PROVIDER].text;
	if (values[EBS_ATTACH_NAME].given)
		target.name = values[EBS_ATTACH_NAME].text;
	if (result)
		ebs_error_errno(error, result, "can't attach a USDT probe");
	else if (!target.path || !target.provider || !target.name)
		result = ebs_error_set(error, "EINVAL",
				       "SEC(\"%s\"): say which probe of which file: "
				       "PATH:PROVIDER:NAME, or the options path, provider and name",
				       program->section);
	else if (pid > 0 && kill(pid, 0) && errno == ESRCH)
		result = ebs_error_explain(error, ESRCH, "there is no process %d", (int)pid);
	else if (!(binary = ebs_binary_open_name(target.path, pid, error)))
		result = -ENOENT;
	else if (!ebs_object_map(program->object, "__bpf_usdt_specs"))
		result = ebs_error_set(
			error, "EINVAL",
			"SEC(\"%s\"): the C lacks #include <bpf/usdt.bpf.h>, by whose "
			"maps a program finds the probe's arguments",
			program->section);
	if (!result)
		result = ebs_usdt_find(binary, target.provider, target.name, error);
	if (!result) {
		errno = 0;
		result = ebs_link_add(link, bpf_program__attach_usdt(
						    program->handle, pid, ebs_binary_path(binary),
						    target.provider, target.name, NULL));
		if (!result && pid <= 0)
			result = ebs_link_watch_file(link, ebs_binary_name(binary));
		if (result)
			explain(&target, binary, result, error);
	}
	ebs_binary_close(binary);
	ebs_usdt_target_free(&target);
	return result;
}
