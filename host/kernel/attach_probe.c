// SPDX-License-Identifier: GPL-2.0-only
// Programs on functions of the kernel, one by one: kprobe, ksyscall.
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/attach_private.h"
#include "kernel/kallsyms.h"

static bool is_return_probe(const struct ebs_program *program)
{
	return strncmp(program->section, "kret", 4) == 0 ||
	       strncmp(program->section, "uret", 4) == 0;
}

bool ebs_kernel_has_kprobes(void)
{
	return access("/sys/bus/event_source/devices/kprobe/type", F_OK) == 0 ||
	       access("/sys/kernel/tracing/kprobe_events", F_OK) == 0;
}

int ebs_kernel_need_kprobes(struct ebs_error *error)
{
	if (ebs_kernel_has_kprobes())
		return 0;
	return ebs_error_explain(error, EOPNOTSUPP, EBS_NO_KPROBES);
}

// Names what this kernel offers in place of a probe on `function`.
static int explain_no_kprobes(const struct ebs_program *program, const char *function,
			      struct ebs_error *error)
{
	bool returns = is_return_probe(program);

	if (strncmp(function, "__x64_", 6) == 0)
		function += 6;
	if (strncmp(function, "sys_", 4) == 0)
		return ebs_error_explain(
			error, EOPNOTSUPP,
			"SEC(\"%s\"): " EBS_NO_KPROBES "; attach to the system call's tracepoint: "
			"SEC(\"tracepoint/syscalls/sys_%s_%s\")",
			program->section, returns ? "exit" : "enter", function + 4);
	return ebs_error_explain(error, EOPNOTSUPP,
				 "SEC(\"%s\"): " EBS_NO_KPROBES "; attach to a tracepoint near %s, "
				 "SEC(\"tracepoint/CATEGORY/NAME\") or SEC(\"raw_tp/NAME\"), or "
				 "try SEC(\"%s/%s\")",
				 program->section, function, returns ? "fexit" : "fentry",
				 function);
}

// The function of the section or the options; "FUNCTION+OFFSET" is taken apart. Owned by the
// caller.
static char *kernel_function(const struct ebs_program *program,
			     const struct ebs_attach_options *options, size_t *offset)
{
	const char *name = options->values[EBS_ATTACH_FUNCTION].text;
	if (!name)
		name = ebs_section_target(program);
	size_t length = strcspn(name, "+");

	*offset = options->values[EBS_ATTACH_OFFSET].number;
	if (name[length] == '+')
		*offset = strtoul(name + length + 1, NULL, 0);
	return strndup(name, length);
}

static int attach_function(struct ebs_program *program, const char *function, size_t offset,
			   struct ebs_link *link)
{
	LIBBPF_OPTS(bpf_kprobe_opts, options, .offset = offset,
		    .retprobe = is_return_probe(program));

	return ebs_link_add(link,
			    bpf_program__attach_kprobe_opts(program->handle, function, &options));
}

int ebs_attach_kprobe(struct ebs_program *program, const struct ebs_attach_options *options,
		      struct ebs_link *link, struct ebs_error *error)
{
	size_t offset;

	if (options->values[EBS_ATTACH_FUNCTIONS].given)
		return ebs_attach_kprobe_multi(program, options, link, error);
	char *function = kernel_function(program, options, &offset);
	if (!function)
		return ebs_error_errno(error, ENOMEM, "can't attach a kprobe");

	int result = 0;
	if (!ebs_kernel_has_kprobes())
		result = explain_no_kprobes(program, function, error);
	else
		result = attach_function(program, function, offset, link);
	if (result == -ENOENT && strncmp(function, "sys_", 4) == 0) {
		char *prefixed = NULL;

		if (asprintf(&prefixed, EBS_SYSCALL_PREFIX "%s", function) >= 0)
			result = attach_function(program, prefixed, offset, link);
		free(prefixed);
	}
	if (result == -ENOENT)
		ebs_kallsyms_refuse(function, error);
	else if (result)
		ebs_error_errno(error, result, "can't probe the kernel's function \"%s\"",
				function);
	free(function);
	return result;
}

int ebs_attach_ksyscall(struct ebs_program *program, const struct ebs_attach_options *options,
			struct ebs_link *link, struct ebs_error *error)
{
	const char *name = options->values[EBS_ATTACH_FUNCTION].text;
	if (!name)
		name = ebs_section_target(program);
	if (!ebs_kernel_has_kprobes()) {
		char *function = NULL;
		if (asprintf(&function, "sys_%s", name) < 0)
			return ebs_error_errno(error, ENOMEM, "can't attach");
		int result = explain_no_kprobes(program, function, error);
		free(function);
		return result;
	}
	LIBBPF_OPTS(bpf_ksyscall_opts, probe, .retprobe = is_return_probe(program));
	int result =
		ebs_link_add(link, bpf_program__attach_ksyscall(program->handle, name, &probe));
	return result ? ebs_error_errno(error, result, "can't probe the system call \"%s\"", name)
		      : 0;
}
