// SPDX-License-Identifier: GPL-2.0-only
// What this kernel can do, asked of it and not of its version.
#include "kernel/feature.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/capabilities.h"
#include "kernel/btf_programs.h"
#include "kernel/feature_private.h"
#include "kernel/kallsyms.h"
#include "kernel/object_private.h"
#include "kernel/program_kind.h"
#include "kernel/tracefs.h"
#include "types/btf_find.h"
#include "types/kernel_has.h"
#include "types/kernel_identity.h"

static bool lacks(struct ebs_error *why, const char *what, const char *name)
{
	ebs_error_set(why, "ENOENT", "this kernel has no %s %s", what, name);
	return false;
}

static int is_function(void *context, const char *name)
{
	return strcmp(name, context) == 0;
}

bool ebs_has_kernel_function(const char *name, struct ebs_error *why)
{
	int result = ebs_kallsyms_visit(is_function, (void *)name);

	if (result < 0)
		ebs_error_errno(why, result, "can't read the kernel's functions");
	else if (!result)
		ebs_kallsyms_refuse(name, why);
	return result > 0;
}

bool ebs_has_tracepoint(const char *name, struct ebs_error *why)
{
	size_t length = strcspn(name, "/:");
	char category[64];

	if (!name[length] || length >= sizeof(category)) {
		ebs_error_set(why, "EINVAL", "\"%s\" is no tracepoint: write CATEGORY/NAME", name);
		return false;
	}
	snprintf(category, sizeof(category), "%.*s", (int)length, name);
	return ebs_tracepoint_id(category, name + length + 1, why) >= 0;
}

static bool ask_types(bool (*ask)(const struct ebs_btf_blob *blob, const char *name),
		      const char *what, const char *name, struct ebs_error *why)
{
	struct ebs_btf_blob kernel;

	if (ebs_btf_blob_open(&kernel, EBS_KERNEL_BTF, why))
		return false;
	bool has = ask(&kernel, name);
	ebs_btf_blob_close(&kernel);
	return has || lacks(why, what, name);
}

bool ebs_has_type(const char *name, struct ebs_error *why)
{
	return ask_types(ebs_btf_has_type, "type", name, why);
}

bool ebs_has_field(const char *path, struct ebs_error *why)
{
	return ask_types(ebs_btf_has_field, "field", path, why);
}

bool ebs_has_enumerator(const char *path, struct ebs_error *why)
{
	return ask_types(ebs_btf_has_enumerator, "enumerator", path, why);
}

// The answer of libbpf's probes: 1, 0, or -errno.
static bool judge(int answer, const char *what, const char *name, struct ebs_error *why)
{
	if (answer < 0)
		ebs_error_errno(why, answer, "can't ask the kernel for %s %s", what, name);
	else if (!answer && !ebs_capability_have(CAP_BPF))
		ebs_error_set(why, "EPERM", "asking the kernel for %s %s needs CAP_BPF, or root",
			      what, name);
	else if (!answer)
		lacks(why, what, name);
	return answer > 0;
}

bool ebs_has_map_kind(const char *kind, struct ebs_error *why)
{
	const char *name;

	for (int type = 1; (name = libbpf_bpf_map_type_str(type)); type++)
		if (strcmp(name, kind) == 0)
			return judge(libbpf_probe_bpf_map_type(type, NULL), "maps of kind", kind,
				     why);
	ebs_error_set(why, "EINVAL", "there is no kind of maps \"%s\" that this libbpf knows",
		      kind);
	return false;
}

// libbpf's own table of sections; ours of those that it is not to read comes first.
static int program_type(const char *section)
{
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type;

	if (ebs_btf_section_type(section))
		return ebs_btf_section_type(section);
	return libbpf_prog_type_by_name(section, &type, &attach_type) ? -1 : (int)type;
}

static bool need_type(const char *section, struct ebs_error *why, int *type)
{
	char path[128];

	ebs_sections_register();
	*type = program_type(section);
	if (*type < 0 && !strchr(section, '/')) { // some are only known with something behind
		snprintf(path, sizeof(path), "%s/x", section);
		*type = program_type(path);
	}
	if (*type < 0)
		ebs_error_set(why, "EINVAL", "there is no kind of programs SEC(\"%s\")", section);
	return *type >= 0;
}

// Whether the verifier, asked to check a program that calls the helper with nothing in place, has
// other objections than the call itself. libbpf's probe doesn't know all the words of newer
// kernels.
static bool may_call(int type, int32_t helper)
{
	static const char *const refusals[] = { "invalid func ", "unknown func ",
						"cannot use helper " };
	const struct bpf_insn call[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = helper },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	char log[4096] = "";
	LIBBPF_OPTS(bpf_prog_load_opts, options, .log_buf = log, .log_size = sizeof(log),
		    .log_level = 1);
	int fd = bpf_prog_load(type, "ebs_has", "GPL", call, 2, &options);

	if (fd >= 0)
		close(fd);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (strstr(log, refusals[i]))
			return false;
	return true;
}

bool ebs_has_helper(const char *name, const char *section, struct ebs_error *why)
{
	struct ebs_btf_blob kernel;
	char full[96];
	int64_t number;
	int type;

	snprintf(full, sizeof(full), "BPF_FUNC_%s",
		 strncmp(name, "bpf_", 4) == 0 ? name + 4 : name);
	if (ebs_btf_blob_open(&kernel, EBS_KERNEL_BTF, why))
		return false;
	bool has = ebs_btf_find_enumerator(&kernel, "bpf_func_id", full, &number);
	ebs_btf_blob_close(&kernel);
	if (!has)
		return lacks(why, "helper", name);
	if (!section)
		return true;
	if (!need_type(section, why, &type))
		return false;
	if (may_call(type, (int32_t)number))
		return true;
	ebs_error_set(why, "ENOENT", "programs of SEC(\"%s\") can't call helper %s", section, name);
	return false;
}

// Types that attach to an object of BTF or of another program can't be tried with nothing to attach
// to: libbpf knows how to ask for them. 1, 0 or -errno.
static int probe_program_type(const char *section, int type)
{
	struct ebs_program_kind kind = { .type = (uint32_t)type };
	enum bpf_prog_type known;
	enum bpf_attach_type attach_type;
	bool judged;

	if (type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_LSM ||
	    type == BPF_PROG_TYPE_STRUCT_OPS || type == BPF_PROG_TYPE_EXT)
		return libbpf_probe_bpf_prog_type(type, NULL);
	if (type == BPF_PROG_TYPE_SYSCALL)
		kind.flags = BPF_F_SLEEPABLE;
	if (!libbpf_prog_type_by_name(section, &known, &attach_type))
		kind.attach_type = attach_type;
	int number = ebs_program_kind_try(&kind, &judged);
	if (!number || judged)
		return 1;
	return number == -EPERM && ebs_capability_have(CAP_BPF) ? number : 0;
}

bool ebs_has_program_type(const char *section, struct ebs_error *why)
{
	int type;

	if (!need_type(section, why, &type))
		return false;
	int answer = probe_program_type(section, type);
	if (answer == -EPERM)
		ebs_error_errno(why, answer, "this kernel takes no programs of kind %s", section);
	return judge(answer, "programs of kind", section, why);
}
