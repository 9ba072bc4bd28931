// SPDX-License-Identifier: GPL-2.0-only
// Names in SEC() that mean no kind of programs: which line of the C has it, and what was meant.
#include "kernel/section_name.h"

#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "kernel/btf_programs.h"
#include "kernel/object_private.h"
#include "types/functions.h"
#include "types/line_info.h"

// What people mean, and what stands behind the '/'; NULL: nothing does.
static const struct section {
	const char *name;
	const char *target;
} sections[] = {
	{ "xdp.frags", NULL },
	{ "xdp", NULL },
	{ "tcx/ingress", NULL },
	{ "tcx/egress", NULL },
	{ "tc/ingress", NULL },
	{ "tc/egress", NULL },
	{ "tc", NULL },
	{ "classifier", NULL },
	{ "socket", NULL },
	{ "tracepoint", "CATEGORY/NAME" },
	{ "tp", "CATEGORY/NAME" },
	{ "raw_tracepoint", "NAME" },
	{ "raw_tp", "NAME" },
	{ "tp_btf", "NAME" },
	{ "kprobe.multi", "GLOB" },
	{ "kretprobe.multi", "GLOB" },
	{ "kprobe.session", "GLOB" },
	{ "kprobe", "FUNCTION" },
	{ "kretprobe", "FUNCTION" },
	{ "ksyscall", "NAME" },
	{ "kretsyscall", "NAME" },
	{ "uprobe.multi", "PATH:GLOB" },
	{ "uretprobe.multi", "PATH:GLOB" },
	{ "uprobe.session", "PATH:GLOB" },
	{ "uprobe", "PATH:SYMBOL" },
	{ "uretprobe", "PATH:SYMBOL" },
	{ "usdt", "PATH:PROVIDER:NAME" },
	{ "fentry", "FUNCTION" },
	{ "fexit", "FUNCTION" },
	{ "fmod_ret", "FUNCTION" },
	{ "lsm", "HOOK" },
	{ "iter", "TYPE" },
	{ "perf_event", NULL },
	{ "cgroup_skb/ingress", NULL },
	{ "cgroup_skb/egress", NULL },
	{ "cgroup/sock_create", NULL },
	{ "cgroup/connect4", NULL },
	{ "cgroup/connect6", NULL },
	{ "cgroup/bind4", NULL },
	{ "cgroup/bind6", NULL },
	{ "cgroup/sendmsg4", NULL },
	{ "cgroup/recvmsg4", NULL },
	{ "cgroup/sysctl", NULL },
	{ "cgroup/getsockopt", NULL },
	{ "cgroup/setsockopt", NULL },
	{ "cgroup/dev", NULL },
	{ "sockops", NULL },
	{ "sk_msg", NULL },
	{ "sk_skb/stream_verdict", NULL },
	{ "sk_skb/stream_parser", NULL },
	{ "sk_lookup", NULL },
	{ "sk_reuseport", NULL },
	{ "flow_dissector", NULL },
	{ "netfilter", NULL },
	{ "syscall", NULL },
};

// The kind that takes a context.
static const struct section contexts[] = {
	{ "xdp_md", "xdp" },
	{ "__sk_buff", "tc" },
	{ "pt_regs", "kprobe/FUNCTION" },
	{ "bpf_raw_tracepoint_args", "raw_tp/NAME" },
	{ "bpf_perf_event_data", "perf_event" },
	{ "bpf_sock_ops", "sockops" },
	{ "bpf_sock_addr", "cgroup/connect4" },
	{ "bpf_sock", "cgroup/sock_create" },
	{ "bpf_sockopt", "cgroup/getsockopt" },
	{ "bpf_sysctl", "cgroup/sysctl" },
	{ "bpf_cgroup_dev_ctx", "cgroup/dev" },
	{ "sk_msg_md", "sk_msg" },
	{ "bpf_sk_lookup", "sk_lookup" },
	{ "sk_reuseport_md", "sk_reuseport" },
	{ "bpf_nf_ctx", "netfilter" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_known(const char *section)
{
	enum bpf_attach_type attach_type;
	enum bpf_prog_type type;

	return libbpf_prog_type_by_name(section, &type, &attach_type) == 0;
}

// "tracepoint:sched:sched_switch", as other tools write it.
static bool with_slashes(const char *section, struct ebs_buffer *out)
{
	size_t kind = strcspn(section, ":");
	bool all = strncmp(section, "tracepoint", kind) == 0 || strncmp(section, "tp", kind) == 0;

	if (!section[kind])
		return false;
	ebs_buffer_append_string(out, section);
	if (out->failed)
		return false;
	for (char *c = out->data + kind; *c; c++) {
		if (*c == ':')
			*c = '/';
		if (!all)
			break;
	}
	return is_known(out->data);
}

// "xdp_prog", "xdp/eth0", "kprobe__vfs_read": a kind's name, and more.
static bool without_rest(const char *section, struct ebs_buffer *out)
{
	const struct section *best = NULL;

	for (size_t i = 0; i < COUNT(sections); i++) {
		size_t length = strlen(sections[i].name);

		if (strncasecmp(section, sections[i].name, length) == 0 &&
		    !isalnum((unsigned char)section[length]) &&
		    (!best || length > strlen(best->name)))
			best = &sections[i];
	}
	if (!best)
		return false;
	const char *rest = section + strlen(best->name);
	ebs_buffer_append_string(out, best->name);
	if (best->target) {
		rest += strspn(rest, "_./-");
		ebs_buffer_printf(out, "/%s", *rest ? rest : best->target);
	}
	return true;
}

// What a kind's name lacks behind it, or NULL.
static const char *target_of(const char *name)
{
	for (size_t i = 0; name && i < COUNT(sections); i++)
		if (strcmp(sections[i].name, name) == 0)
			return sections[i].target;
	return NULL;
}

// What is spelt nearly so, with `most` steps between at most.
static bool nearest(const char *section, unsigned most, struct ebs_buffer *out)
{
	size_t kind = strcspn(section, "/");
	struct ebs_near near, whole;

	ebs_near_begin(&near, section, kind);
	ebs_near_begin(&whole, section, strlen(section));
	for (size_t i = 0; i < COUNT(sections); i++) {
		ebs_near_offer(&near, sections[i].name);
		ebs_near_offer(&whole, sections[i].name);
	}
	if (*whole.best && whole.apart <= most)
		ebs_buffer_append_string(out, whole.best);
	else if (*near.best && near.apart <= most)
		ebs_buffer_printf(out, "%s%s", near.best, section + kind);
	const char *target = target_of(out->data);
	if (target)
		ebs_buffer_printf(out, "/%s", target);
	return out->size && (is_known(out->data) || ebs_btf_section_type(out->data));
}

// By what the function takes.
static bool by_context(struct ebs_types *types, const char *function, struct ebs_buffer *out)
{
	const char *context = ebs_types_context(types, function);

	if (context && strncmp(context, "trace_event_raw_", 16) == 0)
		ebs_buffer_append_string(out, "tracepoint/CATEGORY/NAME");
	else if (context && strncmp(context, "bpf_iter__", 10) == 0)
		ebs_buffer_printf(out, "iter/%s", context + 10);
	for (size_t i = 0; context && i < COUNT(contexts); i++)
		if (strcmp(contexts[i].name, context) == 0)
			ebs_buffer_append_string(out, contexts[i].target);
	return out->size;
}

// A target behind a '/' speaks for a kind that is spelt nearly so; without one, what the function
// takes says more.
static bool suggest(struct ebs_types *types, const char *section, const char *function,
		    struct ebs_buffer *out)
{
	for (int way = 0; way < 5; way++) {
		ebs_buffer_clear(out);
		if (way == 0   ? with_slashes(section, out)
		    : way == 1 ? without_rest(section, out)
		    : way == 2 ? strchr(section, '/') && nearest(section, 1, out)
		    : way == 3 ? by_context(types, function, out)
			       : nearest(section, UINT_MAX, out))
			return true;
	}
	ebs_buffer_clear(out);
	return false;
}

// "FILE:LINE: " of the function; "" where that isn't known. `section` is the object's.
static void append_line(const struct ebs_object *object, const char *section, const char *function,
			struct ebs_buffer *out)
{
	struct ebs_line_info lines;
	struct ebs_line line;

	if (ebs_line_info_open(&lines, object->elf, object->elf_size, section, function, NULL, 0))
		return;
	if (ebs_line_info_find(&lines, 0, &line))
		ebs_buffer_printf(out, "%s:%u: ", line.file, line.line);
	ebs_line_info_free(&lines);
}

// `place` is "FILE:LINE: "; `section` what the C or the script calls the kind.
static int refuse(struct ebs_object *object, const char *place, const char *section,
		  const char *name, struct ebs_error *error)
{
	struct ebs_buffer meant = { 0 };
	bool has_none = strcmp(section, ".text") == 0;

	suggest(object->types, has_none ? "" : section, name, &meant);
	const char *better = meant.size ? meant.data : "xdp";
	int result;

	if (has_none)
		result = ebs_error_set(error, "EINVAL",
				       "%sprogram \"%s\" has no SEC(), which says what kind it is: "
				       "write SEC(\"%s\") before it%s",
				       place, name, better,
				       meant.size ? "" : ", or what it is");
	else if (meant.size)
		result = ebs_error_set(error, "EINVAL",
				       "%sthere is no kind of programs SEC(\"%s\"): did you mean "
				       "SEC(\"%s\")? bpf.load() takes it also as sections = { %s = "
				       "\"%s\" }",
				       place, section, better, name, better);
	else
		result = ebs_error_set(error, "EINVAL",
				       "%sthere is no kind of programs SEC(\"%s\"): docs/api.md "
				       "lists them; bpf.load() takes one also as sections = { %s = "
				       "\"xdp\" }",
				       place, section, name);
	ebs_buffer_free(&meant);
	return result;
}

int ebs_object_check_sections(struct ebs_object *object, struct ebs_error *error)
{
	const char *function = ebs_types_global_function(object->types, 0);
	struct ebs_buffer place = { 0 };
	const struct ebs_program *program = object->programs;
	const struct ebs_program *end = program + object->program_count;
	int result = 0;

	while (program < end && (program->left_out || bpf_program__type(program->handle) !=
							      BPF_PROG_TYPE_UNSPEC))
		program++;
	ebs_buffer_append_string(&place, "");
	if (program < end) {
		append_line(object, bpf_program__section_name(program->handle), program->name,
			    &place);
		result = refuse(object, place.data, program->section, program->name, error);
	} else if (function && !object->program_count &&
		   !ebs_types_global_function(object->types, 1)) {
		// The only one: libbpf 1.1 takes it for a program, newer ones don't.
		append_line(object, ".text", function, &place);
		result = refuse(object, place.data, ".text", function, error);
	} else if (function && !object->program_count) {
		result = ebs_error_set(error, "EINVAL",
				       "no function has a SEC(), which makes it a program: write "
				       "one before \"%s\", or make it static",
				       function);
	}
	ebs_buffer_free(&place);
	return result;
}

// What a kind's name ends with says how it is loaded, too.
static uint32_t flags_of(const char *section)
{
	size_t length = strcspn(section, "/");

	if (length > 2 && strncmp(section + length - 2, ".s", 2) == 0)
		return BPF_F_SLEEPABLE;
	if (length > 6 && strncmp(section + length - 6, ".frags", 6) == 0)
		return BPF_F_XDP_HAS_FRAGS;
	return 0;
}

int ebs_program_set_section(struct ebs_program *program, const char *section,
			    struct ebs_error *error)
{
	enum bpf_attach_type attach_type;
	enum bpf_prog_type type;
	char *copy = strdup(section);
	if (!copy)
		return ebs_error_errno(error, ENOMEM, "can't load \"%s\"", program->name);
	int result = 0;

	ebs_sections_register();
	if (ebs_btf_section_type(section) || strncmp(section, "struct_ops", 10) == 0 ||
	    strncmp(section, "freplace", 8) == 0) {
		result = ebs_error_set(
			error, "EINVAL",
			"sections: SEC(\"%s\") of \"%s\" has to stand in the C, where "
			"its target is looked for",
			section, program->name);
	} else if (libbpf_prog_type_by_name(section, &type, &attach_type)) {
		struct ebs_buffer meant = { 0 };

		suggest(program->object->types, section, program->name, &meant);
		result = ebs_error_set(error, "EINVAL",
				       "sections: there is no kind of programs SEC(\"%s\") for "
				       "\"%s\"%s%s%s",
				       section, program->name,
				       meant.size ? ": did you mean SEC(\"" : "",
				       meant.size ? meant.data : "", meant.size ? "\")?" : "");
		ebs_buffer_free(&meant);
	}
	if (result) {
		free(copy);
		return result;
	}
	bpf_program__set_type(program->handle, type);
	bpf_program__set_expected_attach_type(program->handle, attach_type);
	bpf_program__set_flags(program->handle, flags_of(section));
	free(program->section);
	program->section = copy;
	program->btf_id = 0;
	return 0;
}
