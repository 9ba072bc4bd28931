// SPDX-License-Identifier: GPL-2.0-only
// Whether a program of some SEC() could be loaded and attached here.
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binary/lookup.h"
#include "binary/usdt.h"
#include "kernel/attach_private.h"
#include "kernel/btf_programs.h"
#include "kernel/feature.h"
#include "kernel/feature_private.h"
#include "kernel/link_create.h"
#include "kernel/program_kind.h"
#include "kernel/uprobe_target.h"

// `target` is what stands behind the first '/', not empty. Each says false with `why` filled.
typedef bool has_target(const char *target, struct ebs_error *why);

static bool has_raw_tracepoint(const char *target, struct ebs_error *why)
{
	char name[160];

	snprintf(name, sizeof(name), "btf_trace_%s", target);
	if (ebs_has_type(name, NULL))
		return true;
	ebs_btf_refuse("tp_btf", target, why);
	return false;
}

// sys_execve is found under the architecture's own name, as attaching does.
static bool has_kprobe(const char *target, struct ebs_error *why)
{
	char name[160], prefixed[192];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(target, "+"), target);
	snprintf(prefixed, sizeof(prefixed), EBS_SYSCALL_PREFIX "%s", name);
	if (ebs_kernel_need_kprobes(why))
		return false;
	return (strncmp(name, "sys_", 4) == 0 && ebs_has_kernel_function(prefixed, NULL)) ||
	       ebs_has_kernel_function(name, why);
}

static bool has_ksyscall(const char *target, struct ebs_error *why)
{
	char name[160];

	snprintf(name, sizeof(name), EBS_SYSCALL_PREFIX "sys_%s", target);
	return !ebs_kernel_need_kprobes(why) && ebs_has_kernel_function(name, why);
}

// The programs' type says nothing of what the kernel needs to attach many at once (CONFIG_FPROBE).
static bool has_kprobe_multi(uint32_t attach_type, struct ebs_error *why)
{
	const char *names[] = { "bpf_fentry_test1" };
	LIBBPF_OPTS(bpf_prog_load_opts, load,
		    .expected_attach_type = (enum bpf_attach_type)attach_type);
	int program = ebs_load_nothing(BPF_PROG_TYPE_KPROBE, &load);
	int link = program < 0 ? program
			       : ebs_link_create(&(struct ebs_link_attributes){
					 .program = (uint32_t)program,
					 .type = attach_type,
					 .kprobe_multi.count = 1,
					 .kprobe_multi.symbols = (uintptr_t)names,
				 });

	if (link < 0)
		ebs_error_errno(why, link, "this kernel can't attach to many functions at once");
	else
		close(link);
	if (program >= 0)
		close(program);
	return link >= 0;
}

// "FILE:NAME"; a FILE alone is enough.
static bool has_function_of_file(const char *text, struct ebs_error *why)
{
	struct ebs_uprobe_target target;
	struct ebs_places places = { 0 };
	struct ebs_binary *binary = NULL;
	int result = ebs_uprobe_target_parse(text, false, &target);

	if (!result)
		binary = ebs_binary_open_name(target.path, 0, why);
	if (binary && target.name_count)
		result = ebs_places_find(binary, target.names, target.name_count, &places, why);
	bool has = binary && !result;
	ebs_places_free(&places);
	ebs_binary_close(binary);
	ebs_uprobe_target_free(&target);
	return has;
}

// "FILE:PROVIDER:NAME"; a FILE alone is enough.
static bool has_usdt(const char *text, struct ebs_error *why)
{
	struct ebs_usdt_target target;
	int result = ebs_usdt_target_parse(text, &target);
	struct ebs_binary *binary =
		result ? NULL : ebs_binary_open_name(target.path ? target.path : text, 0, why);

	if (binary && target.path)
		result = ebs_usdt_find(binary, target.provider, target.name, why);
	bool has = binary && !result;
	ebs_binary_close(binary);
	ebs_usdt_target_free(&target);
	return has;
}

static const struct {
	const char *name;
	has_target *has;
} kinds[] = {
	{ "tracepoint", ebs_has_tracepoint },
	{ "tp", ebs_has_tracepoint },
	{ "raw_tracepoint", has_raw_tracepoint },
	{ "raw_tracepoint.w", has_raw_tracepoint },
	{ "raw_tp", has_raw_tracepoint },
	{ "raw_tp.w", has_raw_tracepoint },
	{ "kprobe", has_kprobe },
	{ "kretprobe", has_kprobe },
	{ "ksyscall", has_ksyscall },
	{ "kretsyscall", has_ksyscall },
	{ "uprobe", has_function_of_file },
	{ "uprobe.s", has_function_of_file },
	{ "uretprobe", has_function_of_file },
	{ "uretprobe.s", has_function_of_file },
	{ "usdt", has_usdt },
};

bool ebs_has_program(const char *section, struct ebs_error *why)
{
	size_t length = strcspn(section, "/");

	if (ebs_btf_section_type(section))
		return ebs_btf_section_works(section, why);
	if (!ebs_has_program_type(section, why))
		return false;
	if (strncmp(section, "kprobe.multi", 12) == 0 ||
	    strncmp(section, "kretprobe.multi", 15) == 0)
		return has_kprobe_multi(BPF_TRACE_KPROBE_MULTI, why);
	if (strncmp(section, "kprobe.session", 14) == 0)
		return has_kprobe_multi(EBS_ATTACH_TYPE_KPROBE_SESSION, why);
	if (*section == 'k' && ebs_kernel_need_kprobes(why))
		return false;
	for (size_t i = 0; section[length] && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].name) == length && strncmp(section, kinds[i].name, length) == 0)
			return kinds[i].has(section + length + 1, why);
	return true;
}
