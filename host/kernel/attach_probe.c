// SPDX-License-Identifier: GPL-2.0-only
// Programs on functions, of the kernel (kprobe, ksyscall) and of processes (uprobe, USDT).
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binary/find.h"
#include "kernel/attach_private.h"
#include "kernel/kallsyms.h"
#include "kernel/uprobe_symbol.h"

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

// "PATH:SYMBOL" or "PATH:SYMBOL+OFFSET" or "PATH:0xOFFSET" of the section, where the options don't
// say it.
static int parse_uprobe_section(const struct ebs_program *program, char **path, char **symbol,
				size_t *offset)
{
	const char *target = ebs_section_target(program);
	const char *colon = target ? strrchr(target, ':') : NULL;

	if (!target)
		return 0;
	*path = strndup(target, colon ? (size_t)(colon - target) : strlen(target));
	if (!*path)
		return -ENOMEM;
	if (!colon)
		return 0;
	if (strncmp(colon + 1, "0x", 2) == 0) {
		*offset = strtoul(colon + 1, NULL, 16);
		return 0;
	}
	const char *plus = strchr(colon, '+');
	*symbol = strndup(colon + 1, plus ? (size_t)(plus - colon - 1) : strlen(colon + 1));
	*offset = plus ? strtoul(plus + 1, NULL, 0) : 0;
	return *symbol ? 0 : -ENOMEM;
}

// Attaches to a function by its name, or to a place in the file.
static int attach_in_file(struct ebs_program *program, const char *path, const char *symbol,
			  size_t offset, pid_t pid, struct ebs_link *link, struct ebs_error *error)
{
	LIBBPF_OPTS(bpf_uprobe_opts, probe, .func_name = symbol,
		    .retprobe = is_return_probe(program));
	uint64_t start;

	if (symbol && ebs_is_demangled(symbol)) {
		int result = ebs_find_demangled(path, symbol, &start, error);
		if (result)
			return result;
		probe.func_name = NULL;
		offset += start;
	}
	int result = ebs_link_add(
		link, bpf_program__attach_uprobe_opts(program->handle, pid, path, offset, &probe));
	if (result == -ENOENT && symbol)
		return ebs_refuse_symbol(path, symbol, error);
	return result ? ebs_error_errno(error, result, "can't attach to %s of %s",
					symbol ? symbol : "an offset", path)
		      : 0;
}

int ebs_attach_uprobe(struct ebs_program *program, const struct ebs_attach_options *options,
		      struct ebs_link *link, struct ebs_error *error)
{
	char *section_path = NULL;
	char *section_symbol = NULL;
	size_t offset = 0;
	int result = parse_uprobe_section(program, &section_path, &section_symbol, &offset);
	const char *path = options->values[EBS_ATTACH_PATH].text;
	const char *symbol = options->values[EBS_ATTACH_SYMBOL].text;
	bool has_pid = options->values[EBS_ATTACH_PID].given;

	if (!path)
		path = section_path;
	if (!symbol)
		symbol = section_symbol;
	if (options->values[EBS_ATTACH_OFFSET].given)
		offset = options->values[EBS_ATTACH_OFFSET].number;
	if (result) {
		ebs_error_errno(error, result, "can't attach a uprobe");
	} else if (!symbol && !offset) {
		result = ebs_error_set(error, "EINVAL",
				       "uprobe on %s: give it a symbol or an offset", path);
	} else {
		char *file = ebs_binary_find(path, error);

		result =
			file ? attach_in_file(program, file, symbol, offset,
					      has_pid ? options->values[EBS_ATTACH_PID].number : -1,
					      link, error)
			     : -ENOENT;
		free(file);
	}
	free(section_path);
	free(section_symbol);
	return result;
}

int ebs_attach_usdt(struct ebs_program *program, const struct ebs_attach_options *options,
		    struct ebs_link *link, struct ebs_error *error)
{
	const char *path = options->values[EBS_ATTACH_PATH].text;
	const char *provider = options->values[EBS_ATTACH_PROVIDER].text;
	const char *name = options->values[EBS_ATTACH_NAME].text;
	bool has_pid = options->values[EBS_ATTACH_PID].given;

	if (!path || !provider || !name) {
		int result = ebs_link_add(link, bpf_program__attach(program->handle));
		return result ? ebs_error_errno(error, result, "can't attach SEC(\"%s\")",
						program->section)
			      : 0;
	}
	int result = ebs_link_add(
		link,
		bpf_program__attach_usdt(program->handle,
					 has_pid ? options->values[EBS_ATTACH_PID].number : -1,
					 path, provider, name, NULL));
	if (result == -ENOENT || result == -ESRCH)
		return ebs_error_explain(error, -ENOENT, "%s has no USDT probe %s:%s", path,
					 provider, name);
	return result ? ebs_error_errno(error, result, "can't attach to USDT probe %s:%s of %s",
					provider, name, path)
		      : 0;
}
