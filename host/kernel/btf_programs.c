// SPDX-License-Identifier: GPL-2.0-only
// Programs that attach to something by its id in the kernel's BTF. libbpf would parse all of the
// kernel's BTF to find that id at each start; handlers of our own for these sections take an id
// that is known already.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/btf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/capabilities.h"
#include "base/near.h"
#include "kernel/attach_private.h"
#include "kernel/btf_programs.h"
#include "kernel/lockdown.h"
#include "kernel/object_private.h"
#include "kernel/program_kind.h"
#include "types/btf_find.h"
#include "types/kernel_identity.h"
#include "types/modules.h"
#include "types/prototypes.h"

#define FUNC    BTF_KIND_FUNC
#define TYPEDEF BTF_KIND_TYPEDEF

static const struct section {
	const char *name; // up to the '/'
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type;
	bool sleepable;
	const char *prefix; // of the target's name in BTF
	uint32_t kind;      // of it
	const char *usual;  // a target that every kernel has
	const char *what;   // it is
	const char *other;  // target, where the usual one is there and can't be used; or NULL
} sections[] = {
	{ "tp_btf", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, false, "btf_trace_", TYPEDEF,
	  "sched_switch", "raw tracepoint" },
	{ "iter", BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, false, "bpf_iter_", FUNC, "task",
	  "iterator" },
	{ "iter.s", BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, true, "bpf_iter_", FUNC, "task",
	  "iterator" },
	{ "fentry", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, false, "", FUNC, "bpf_fentry_test1",
	  "function" },
	{ "fentry.s", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, true, "", FUNC, "bpf_fentry_test1",
	  "function" },
	{ "fexit", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, false, "", FUNC, "bpf_fentry_test1",
	  "function" },
	{ "fexit.s", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, true, "", FUNC, "bpf_fentry_test1",
	  "function" },
	// A kernel without CONFIG_FUNCTION_ERROR_INJECTION takes these programs for LSM hooks only.
	{ "fmod_ret", BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN, false, "", FUNC,
	  "bpf_modify_return_test", "function", "security_file_open" },
	{ "fmod_ret.s", BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN, true, "", FUNC,
	  "bpf_modify_return_test", "function", "security_file_open" },
	{ "lsm", BPF_PROG_TYPE_LSM, BPF_LSM_MAC, false, "bpf_lsm_", FUNC, "file_open", "LSM hook" },
	{ "lsm.s", BPF_PROG_TYPE_LSM, BPF_LSM_MAC, true, "bpf_lsm_", FUNC, "file_open",
	  "LSM hook" },
};

#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

// The object whose programs libbpf loads just now.
static struct ebs_object *loading;

static const struct section *section_of(const char *text)
{
	size_t length = strcspn(text, "/");

	for (size_t i = 0; i < SECTIONS; i++)
		if (strlen(sections[i].name) == length &&
		    strncmp(text, sections[i].name, length) == 0)
			return &sections[i];
	return NULL;
}

static const struct section *find_section(const struct ebs_program *program)
{
	return ebs_section_target(program) ? section_of(program->section) : NULL;
}

bool ebs_program_btf_target(const struct ebs_program *program, char *name, size_t size,
			    uint32_t *kind)
{
	const struct section *section = find_section(program);
	if (!section)
		return false;
	snprintf(name, size, "%s%s", section->prefix, ebs_section_target(program));
	*kind = section->kind;
	return true;
}

// libbpf calls this just before it loads the program.
static int prepare_load(struct bpf_program *handle, struct bpf_prog_load_opts *options, long cookie)
{
	const struct section *section = &sections[cookie];
	struct ebs_program *program = ebs_object_program(loading, bpf_program__name(handle));

	if (section->sleepable)
		options->prog_flags |= BPF_F_SLEEPABLE;
	if (!program || !program->btf_id)
		return 0; // libbpf has found the target itself
	bpf_program__set_type(handle, section->type);
	options->expected_attach_type = section->attach_type;
	options->attach_btf_id = program->btf_id;
	return 0;
}

int ebs_btf_programs_register(void)
{
	static bool registered;

	for (size_t i = 0; !registered && i < SECTIONS; i++) {
		char name[32];
		LIBBPF_OPTS(libbpf_prog_handler_opts, options, .cookie = (long)i,
			    .prog_prepare_load_fn = prepare_load);

		snprintf(name, sizeof(name), "%s+", sections[i].name);
		int result = libbpf_register_prog_handler(name, BPF_PROG_TYPE_RAW_TRACEPOINT, 0,
							  &options);
		if (result < 0)
			return result;
	}
	registered = true;
	return 0;
}

static int offer(void *context, const char *name, const char *parameters)
{
	ebs_near_offer(context, name);
	return 0;
}

int ebs_btf_refuse(const char *text, const char *target, struct ebs_error *error)
{
	const struct section *section = section_of(text);
	struct ebs_near near;

	ebs_near_begin(&near, target, strlen(target));
	ebs_prototypes_visit(section->kind, section->prefix, "*", false, 0, offer, &near, NULL);
	return ebs_error_explain(error, ENOENT, "this kernel has no %s \"%s\"%s", section->what,
				 target, ebs_near_text(&near));
}

// Whether a module may have the target that vmlinux hasn't.
static bool may_be_in_module(const struct section *section, const char *target)
{
	struct ebs_buffer name = { 0 };

	ebs_buffer_printf(&name, "%s%s", section->prefix, target);
	ebs_buffer_append(&name, "", 1);
	bool may = name.failed || ebs_modules_have(EBS_MODULES_FOLDER, &name);
	ebs_buffer_free(&name);
	return may;
}

// Without an id libbpf looks the target up, in the kernel's modules too. It is asked only where one
// may have it: it doesn't give the kernel's BTF back when it finds nothing.
int ebs_btf_programs_prepare(struct ebs_object *object, struct ebs_error *error)
{
	loading = object;
	for (size_t i = 0; i < object->program_count; i++) {
		struct ebs_program *program = &object->programs[i];
		const struct section *section = find_section(program);

		if (!section || program->btf_id || program->left_out)
			continue;
		if (!may_be_in_module(section, ebs_section_target(program)))
			return ebs_btf_refuse(section->name, ebs_section_target(program), error);
		bpf_program__set_type(program->handle, section->type);
		bpf_program__set_expected_attach_type(program->handle, section->attach_type);
		int result = bpf_program__set_attach_target(program->handle, 0,
							    ebs_section_target(program));
		if (result)
			return ebs_btf_refuse(section->name, ebs_section_target(program), error);
	}
	return 0;
}

// A raw tracepoint's link tells the name of what it was attached to: an id that came from a wrong
// table shows.
static int check_target(int fd, const struct ebs_program *program, struct ebs_error *error)
{
	char name[128] = "";
	struct bpf_link_info info = { .raw_tracepoint.tp_name = (uint64_t)(uintptr_t)name,
				      .raw_tracepoint.tp_name_len = sizeof(name) };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size) || info.type != BPF_LINK_TYPE_RAW_TRACEPOINT ||
	    strcmp(name, ebs_section_target(program)) == 0)
		return 0;
	return ebs_error_set(
		error, "ESTALE",
		"SEC(\"%s\") would have been attached to %s: what the cache knew of this "
		"kernel was wrong, and is forgotten now; start again",
		program->section, name);
}

// What an iterator walks over: a map's elements, one process, one cgroup; else all that there is.
static int create_iterator(struct ebs_program *program, const struct ebs_attach_options *options,
			   struct ebs_error *error)
{
	const char *name = options->values[EBS_ATTACH_MAP].text;
	const char *cgroup = options->values[EBS_ATTACH_CGROUP].text;
	union bpf_iter_link_info info;
	LIBBPF_OPTS(bpf_link_create_opts, create, .iter_info = &info,
		    .iter_info_len = sizeof(info));
	const struct ebs_map *map = name ? ebs_object_map(program->object, name) : NULL;
	int folder = -1;

	memset(&info, 0, sizeof(info)); // { 0 } may leave all behind a union's first member as it is
	if (name && !map)
		return ebs_error_set(error, "EINVAL", "the object has no map \"%s\"", name);
	if (map)
		info.map.map_fd = map->fd;
	if (options->values[EBS_ATTACH_PID].given)
		info.task.pid = (uint32_t)options->values[EBS_ATTACH_PID].number;
	if (cgroup) {
		folder = ebs_cgroup_open(cgroup, error);
		if (folder < 0)
			return folder;
		info.cgroup.cgroup_fd = folder;
		info.cgroup.order = BPF_CGROUP_ITER_DESCENDANTS_PRE;
	}
	int fd = bpf_link_create(bpf_program__fd(program->handle), 0, BPF_TRACE_ITER,
				 map || cgroup || info.task.pid ? &create : NULL);
	if (folder >= 0)
		close(folder);
	if (fd == -EBADF && !map)
		return ebs_error_set(error, "EINVAL", "SEC(\"%s\") walks over a map: give it map",
				     program->section);
	return fd < 0 ? ebs_error_errno(error, fd, "can't attach SEC(\"%s\")", program->section)
		      : fd;
}

// LSM programs can be loaded and attached also where nothing calls them.
static int check_lsm(const struct section *section, const char *target, struct ebs_error *error)
{
	char modules[256];

	if (section->type != BPF_PROG_TYPE_LSM || ebs_lockdown_runs_lsm(modules, sizeof(modules)))
		return 0;
	return ebs_error_explain(error, ENOTSUP,
				 "SEC(\"%s/%s\") would never run: bpf isn't among this kernel's "
				 "security modules; boot it with lsm=%s,bpf",
				 section->name, target, modules);
}

int ebs_attach_btf(struct ebs_program *program, const struct ebs_attach_options *options,
		   struct ebs_link *link, struct ebs_error *error)
{
	const struct section *section = find_section(program);
	int refused = check_lsm(section, ebs_section_target(program), error);
	if (refused)
		return refused;
	int fd = section->attach_type == BPF_TRACE_ITER
			 ? create_iterator(program, options, error)
			 : bpf_raw_tracepoint_open(NULL, bpf_program__fd(program->handle));
	if (fd < 0)
		return ebs_error_is_set(error)
			       ? fd
			       : ebs_error_errno(error, fd, "can't attach SEC(\"%s\")",
						 program->section);
	int result = ebs_link_add_fd(link, fd);
	return result ? result : check_target(fd, program, error);
}

static struct ebs_program_kind kind_of(const struct section *section, uint32_t btf_id)
{
	return (struct ebs_program_kind){
		.type = section->type,
		.attach_type = section->attach_type,
		.flags = section->sleepable ? BPF_F_SLEEPABLE : 0,
		.btf_id = btf_id,
	};
}

bool ebs_btf_program_kind(const struct ebs_program *program, struct ebs_program_kind *kind)
{
	const struct section *section = find_section(program);

	if (section)
		*kind = kind_of(section, program->btf_id);
	return section;
}

int ebs_btf_section_type(const char *text)
{
	const struct section *section = section_of(text);

	return section ? (int)section->type : 0;
}

static uint32_t find_target(const struct section *section, const char *target,
			    struct ebs_error *why)
{
	struct ebs_btf_blob kernel;
	char name[160];

	if (ebs_btf_blob_open(&kernel, EBS_KERNEL_BTF, why))
		return 0;
	snprintf(name, sizeof(name), "%s%s", section->prefix, target);
	uint32_t id = ebs_btf_find(&kernel, name, section->kind);
	ebs_btf_blob_close(&kernel);
	if (!id)
		ebs_btf_refuse(section->name, target, why);
	return id;
}

static bool works(const struct section *section, const char *target, struct ebs_error *why)
{
	if (check_lsm(section, target, why))
		return false;
	uint32_t target_id = find_target(section, target, why);
	if (!target_id)
		return false;
	struct ebs_program_kind kind = kind_of(section, target_id);
	int number = -ebs_program_kind_try(&kind, NULL);
	char mode[32];

	if (!number)
		return true;
	if (number == EPERM && !ebs_capability_have(CAP_BPF))
		ebs_error_explain(why, number,
				  "asking the kernel for programs of SEC(\"%s/%s\") needs CAP_BPF "
				  "and CAP_PERFMON, or root",
				  section->name, target);
	else if (number == EPERM && strcmp(ebs_lockdown_mode(mode, sizeof(mode)), "none") &&
		 strcmp(mode, "unknown"))
		ebs_error_explain(why, number,
				  "this kernel is locked down (%s) and takes no program of "
				  "SEC(\"%s/%s\")",
				  mode, section->name, target);
	else
		ebs_error_errno(why, number, "this kernel takes no program of SEC(\"%s/%s\")",
				section->name, target);
	return false;
}

bool ebs_btf_section_works(const char *text, struct ebs_error *why)
{
	const struct section *section = section_of(text);
	const char *slash = strchr(text, '/');

	if (slash && slash[1])
		return works(section, slash + 1, why);
	return (section->other && works(section, section->other, NULL)) ||
	       works(section, section->usual, why);
}
