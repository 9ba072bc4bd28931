// SPDX-License-Identifier: GPL-2.0-only
// Attaching programs: the table of kinds, and the kinds that libbpf attaches with nothing added.
#include "kernel/attach.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "kernel/attach_private.h"
#include "kernel/btf_programs.h"
#include "kernel/log.h"
#include "kernel/permission.h"
#include "kernel/watched_private.h"

const struct ebs_attach_option_info ebs_attach_option_infos[EBS_ATTACH_OPTIONS] = {
	[EBS_ATTACH_INTERFACE] = { .name = "interface", .is_list = true },
	[EBS_ATTACH_MODE] = { .name = "mode" },
	[EBS_ATTACH_PID] = { .name = "pid", .is_number = true, .high = INT32_MAX },
	[EBS_ATTACH_CPU] = { .name = "cpu", .is_number = true, .high = INT32_MAX },
	[EBS_ATTACH_PATH] = { .name = "path" },
	[EBS_ATTACH_SYMBOL] = { .name = "symbol" },
	[EBS_ATTACH_OFFSET] = { .name = "offset", .is_number = true, .high = INT64_MAX },
	[EBS_ATTACH_PROVIDER] = { .name = "provider" },
	[EBS_ATTACH_NAME] = { .name = "name" },
	[EBS_ATTACH_EVENT] = { .name = "event" },
	[EBS_ATTACH_FREQUENCY] = { .name = "frequency", .is_number = true },
	[EBS_ATTACH_PERIOD] = { .name = "period", .is_number = true },
	[EBS_ATTACH_CGROUP] = { .name = "cgroup", .is_list = true },
	[EBS_ATTACH_FUNCTION] = { .name = "function" },
	[EBS_ATTACH_CATEGORY] = { .name = "category" },
	[EBS_ATTACH_TRACEPOINT] = { .name = "tracepoint" },
	[EBS_ATTACH_FUNCTIONS] = { .name = "functions", .is_list = true },
	[EBS_ATTACH_SYMBOLS] = { .name = "symbols", .is_list = true },
	[EBS_ATTACH_DIRECTION] = { .name = "direction", .is_list = true },
	[EBS_ATTACH_FAMILY] = { .name = "family" },
	[EBS_ATTACH_HOOK] = { .name = "hook", .is_list = true },
	[EBS_ATTACH_PRIORITY] = { .name = "priority",
				  .is_number = true,
				  .low = INT32_MIN,
				  .high = INT32_MAX },
	[EBS_ATTACH_NETNS] = { .name = "netns" },
	[EBS_ATTACH_MAP] = { .name = "map" },
	[EBS_ATTACH_REPLACE] = { .name = "replace", .is_boolean = true },
	[EBS_ATTACH_FORCE] = { .name = "force", .is_boolean = true },
};

static int attach_raw_tracepoint(struct ebs_program *program,
				 const struct ebs_attach_options *options, struct ebs_link *link,
				 struct ebs_error *error)
{
	const char *name = options->values[EBS_ATTACH_TRACEPOINT].text;
	if (!name)
		name = ebs_section_target(program);
	int result = ebs_link_add(link, bpf_program__attach_raw_tracepoint(program->handle, name));

	if (result == -ENOENT)
		return ebs_btf_refuse("tp_btf", name, error);
	if (result == -EEXIST)
		return ebs_error_explain(error, EEXIST,
					 "\"%s\" is attached to raw tracepoint \"%s\" already, and "
					 "this kernel attaches a program to it only once",
					 program->name, name);
	return result ? ebs_error_errno(error, result, "can't attach to raw tracepoint \"%s\"",
					name)
		      : 0;
}

static int attach_by_section(struct ebs_program *program, const struct ebs_attach_options *options,
			     struct ebs_link *link, struct ebs_error *error)
{
	int result = ebs_link_add(link, bpf_program__attach(program->handle));

	return result ? ebs_error_errno(error, result, "can't attach") : 0;
}

#define OPTION(name) (1u << EBS_ATTACH_##name)

// A kind is found by what SEC() begins with. A program needs one of the sets of options in `needs`,
// unless the section goes on behind a '/'.
struct kind {
	const char *prefix;
	const char *name;
	ebs_attach_function *attach;
	unsigned options; // that may be given
	unsigned needs;  // that must be given when the section names no target; 0: the target can't
			 // be given
	bool has_target; // the section's text behind '/' can say where to attach
	unsigned places; // the option that lists where it is attached to, all or none; 0: there is
			 // none
	const char *instead; // of a kind that is never attached: what runs it
};

#define UPROBE_OPTIONS \
	(OPTION(PATH) | OPTION(SYMBOL) | OPTION(SYMBOLS) | OPTION(OFFSET) | OPTION(PID))
#define URETPROBE_OPTIONS       (UPROBE_OPTIONS | OPTION(FORCE))
#define UPROBE_MULTI_OPTIONS    (OPTION(PATH) | OPTION(SYMBOLS) | OPTION(PID))
#define URETPROBE_MULTI_OPTIONS (UPROBE_MULTI_OPTIONS | OPTION(FORCE))
// Lists that a kind takes as they are; of others each element is a place of its own.
#define WHOLE_LISTS  (OPTION(FUNCTIONS) | OPTION(SYMBOLS) | OPTION(DIRECTION))
#define ITER_OPTIONS (OPTION(MAP) | OPTION(PID) | OPTION(CGROUP))
#define TC_OPTIONS   (OPTION(INTERFACE) | OPTION(DIRECTION))
#define XDP_OPTIONS  (OPTION(INTERFACE) | OPTION(MODE) | OPTION(REPLACE))
#define PERF_OPTIONS \
	(OPTION(EVENT) | OPTION(FREQUENCY) | OPTION(PERIOD) | OPTION(PID) | OPTION(CPU))

#define FOR_DEVICE \
	"a devmap's entry has them, map:set(key, { ifindex = \"eth0\", program = program })"
#define FOR_CPU "a cpumap's entry has them, map:set(cpu, { qsize = 192, program = program })"

static const struct kind kinds[] = {
	{ "tracepoint", "tracepoint", ebs_attach_tracepoint, OPTION(CATEGORY) | OPTION(TRACEPOINT),
	  OPTION(CATEGORY) | OPTION(TRACEPOINT), true },
	{ "tp", "tracepoint", ebs_attach_tracepoint, OPTION(CATEGORY) | OPTION(TRACEPOINT),
	  OPTION(CATEGORY) | OPTION(TRACEPOINT), true },
	{ "raw_tracepoint", "raw_tracepoint", attach_raw_tracepoint, OPTION(TRACEPOINT),
	  OPTION(TRACEPOINT), true },
	{ "raw_tracepoint.w", "raw_tracepoint", attach_raw_tracepoint, OPTION(TRACEPOINT),
	  OPTION(TRACEPOINT), true },
	{ "raw_tp", "raw_tracepoint", attach_raw_tracepoint, OPTION(TRACEPOINT), OPTION(TRACEPOINT),
	  true },
	{ "raw_tp.w", "raw_tracepoint", attach_raw_tracepoint, OPTION(TRACEPOINT),
	  OPTION(TRACEPOINT), true },
	{ "kprobe", "kprobe", ebs_attach_kprobe,
	  OPTION(FUNCTION) | OPTION(FUNCTIONS) | OPTION(OFFSET), OPTION(FUNCTION), true },
	{ "kretprobe", "kretprobe", ebs_attach_kprobe, OPTION(FUNCTION) | OPTION(FUNCTIONS),
	  OPTION(FUNCTION), true },
	{ "kprobe.multi", "kprobe.multi", ebs_attach_kprobe_multi, OPTION(FUNCTIONS),
	  OPTION(FUNCTIONS), true },
	{ "kretprobe.multi", "kprobe.multi", ebs_attach_kprobe_multi, OPTION(FUNCTIONS),
	  OPTION(FUNCTIONS), true },
	{ "kprobe.session", "kprobe.session", ebs_attach_kprobe_multi, OPTION(FUNCTIONS),
	  OPTION(FUNCTIONS), true },
	{ "ksyscall", "ksyscall", ebs_attach_ksyscall, OPTION(FUNCTION), OPTION(FUNCTION), true },
	{ "kretsyscall", "kretsyscall", ebs_attach_ksyscall, OPTION(FUNCTION), OPTION(FUNCTION),
	  true },
	{ "uprobe", "uprobe", ebs_attach_uprobe, UPROBE_OPTIONS, OPTION(PATH), true },
	{ "uprobe.s", "uprobe", ebs_attach_uprobe, UPROBE_OPTIONS, OPTION(PATH), true },
	{ "uretprobe", "uretprobe", ebs_attach_uprobe, URETPROBE_OPTIONS, OPTION(PATH), true },
	{ "uretprobe.s", "uretprobe", ebs_attach_uprobe, URETPROBE_OPTIONS, OPTION(PATH), true },
	{ "uprobe.multi", "uprobe.multi", ebs_attach_uprobe, UPROBE_MULTI_OPTIONS,
	  OPTION(PATH) | OPTION(SYMBOLS), true },
	{ "uretprobe.multi", "uprobe.multi", ebs_attach_uprobe, URETPROBE_MULTI_OPTIONS,
	  OPTION(PATH) | OPTION(SYMBOLS), true },
	{ "uprobe.session", "uprobe.session", ebs_attach_uprobe, URETPROBE_MULTI_OPTIONS,
	  OPTION(PATH) | OPTION(SYMBOLS), true },
	{ "usdt", "usdt", ebs_attach_usdt,
	  OPTION(PATH) | OPTION(PROVIDER) | OPTION(NAME) | OPTION(PID),
	  OPTION(PATH) | OPTION(PROVIDER) | OPTION(NAME), true },
	{ "perf_event", "perf_event", ebs_attach_perf_event, PERF_OPTIONS, 0, false },
	{ "xdp/devmap", "xdp", .instead = FOR_DEVICE },
	{ "xdp.frags/devmap", "xdp", .instead = FOR_DEVICE },
	{ "xdp/cpumap", "xdp", .instead = FOR_CPU },
	{ "xdp.frags/cpumap", "xdp", .instead = FOR_CPU },
	{ "xdp", "xdp", ebs_attach_xdp, XDP_OPTIONS, OPTION(INTERFACE), false, OPTION(INTERFACE) },
	{ "xdp.frags", "xdp", ebs_attach_xdp, XDP_OPTIONS, OPTION(INTERFACE), false,
	  OPTION(INTERFACE) },
	{ "tc", "tc", ebs_attach_tc, TC_OPTIONS, OPTION(INTERFACE), false, OPTION(INTERFACE) },
	{ "tcx", "tc", ebs_attach_tc, TC_OPTIONS, OPTION(INTERFACE), false, OPTION(INTERFACE) },
	{ "classifier", "tc", ebs_attach_tc, TC_OPTIONS, OPTION(INTERFACE), false,
	  OPTION(INTERFACE) },
	{ "netfilter", "netfilter", ebs_attach_netfilter,
	  OPTION(FAMILY) | OPTION(HOOK) | OPTION(PRIORITY), OPTION(HOOK), false, OPTION(HOOK) },
	{ "sk_lookup", "sk_lookup", ebs_attach_netns, OPTION(NETNS), 0, false },
	{ "flow_dissector", "flow_dissector", ebs_attach_netns, OPTION(NETNS), 0, false },
	{ "sk_skb", "sk_skb", ebs_attach_sockmap, OPTION(MAP), OPTION(MAP), false },
	{ "sk_msg", "sk_msg", ebs_attach_sockmap, OPTION(MAP), OPTION(MAP), false },
	{ "socket", "socket", ebs_attach_socket, OPTION(INTERFACE), 0, false, OPTION(INTERFACE) },
	{ "cgroup", "cgroup", ebs_attach_cgroup, OPTION(CGROUP), OPTION(CGROUP), false,
	  OPTION(CGROUP) },
	{ "cgroup_skb", "cgroup", ebs_attach_cgroup, OPTION(CGROUP), OPTION(CGROUP), false,
	  OPTION(CGROUP) },
	{ "sockops", "cgroup", ebs_attach_cgroup, OPTION(CGROUP), OPTION(CGROUP), false,
	  OPTION(CGROUP) },
	{ "struct_ops", "struct_ops", ebs_attach_struct_ops, OPTION(MAP), 0, true },
	{ "struct_ops.s", "struct_ops", ebs_attach_struct_ops, OPTION(MAP), 0, true },
	{ "syscall", "syscall", .instead = "program:test_run() runs them" },
	{ "tp_btf", "tp_btf", ebs_attach_btf, 0, 0, true },
	{ "iter", "iter", ebs_attach_btf, ITER_OPTIONS, 0, true },
	{ "iter.s", "iter", ebs_attach_btf, ITER_OPTIONS, 0, true },
	{ "fentry", "fentry", ebs_attach_btf, 0, 0, true },
	{ "fentry.s", "fentry", ebs_attach_btf, 0, 0, true },
	{ "fexit", "fexit", ebs_attach_btf, 0, 0, true },
	{ "fexit.s", "fexit", ebs_attach_btf, 0, 0, true },
	{ "fmod_ret", "fmod_ret", ebs_attach_btf, 0, 0, true },
	{ "fmod_ret.s", "fmod_ret", ebs_attach_btf, 0, 0, true },
	{ "lsm", "lsm", ebs_attach_btf, 0, 0, true },
	{ "lsm.s", "lsm", ebs_attach_btf, 0, 0, true },
	// Everything else that libbpf attaches by its section.
	{ "", "other", attach_by_section, 0, 0, true },
};

// A section's prefix ends at '/' or at its own end, as libbpf reads it.
static const struct kind *find_kind(const struct ebs_program *program)
{
	const struct kind *kind = kinds;

	for (; *kind->prefix; kind++) {
		size_t length = strlen(kind->prefix);

		if (strncmp(program->section, kind->prefix, length) == 0 &&
		    (program->section[length] == '\0' || program->section[length] == '/'))
			break;
	}
	return kind;
}

const char *ebs_section_target(const struct ebs_program *program)
{
	const char *slash = strchr(program->section, '/');

	return slash && slash[1] ? slash + 1 : NULL;
}

bool ebs_program_is_complete(const struct ebs_program *program)
{
	const struct kind *kind = find_kind(program);

	if (kind->attach == ebs_attach_struct_ops)
		return !program->left_out && ebs_struct_ops_is_first(program);
	return !program->left_out && kind->has_target && ebs_section_target(program);
}

static void append_names(struct ebs_buffer *out, unsigned options)
{
	for (int i = 0; i < EBS_ATTACH_OPTIONS; i++)
		if (options & 1u << i)
			ebs_buffer_printf(out, "%s%s", out->size ? ", " : "",
					  ebs_attach_option_infos[i].name);
}

// Refuses options that the kind doesn't know, and the lack of those that it needs.
static int check_options(const struct kind *kind, const struct ebs_program *program,
			 const struct ebs_attach_options *options, struct ebs_error *error)
{
	struct ebs_buffer names = { 0 };
	unsigned given = 0;
	int result = 0;

	for (int i = 0; i < EBS_ATTACH_OPTIONS; i++)
		given |= options->values[i].given ? 1u << i : 0;
	if (kind->instead)
		return ebs_error_set(error, "EINVAL",
				     "programs of SEC(\"%s\") can't be attached: %s",
				     program->section, kind->instead);
	// A list says at least as much as one of them.
	unsigned said = given | (given & OPTION(FUNCTIONS) ? OPTION(FUNCTION) : 0);
	if (given & ~kind->options) {
		struct ebs_buffer unknown = { 0 };

		append_names(&unknown, given & ~kind->options);
		append_names(&names, kind->options);
		result = ebs_error_set(
			error, "EINVAL", "SEC(\"%s\") takes no option %s; it takes: %s",
			program->section, unknown.data, names.size ? names.data : "none");
		ebs_buffer_free(&unknown);
	} else if (!(kind->has_target && ebs_section_target(program)) && (kind->needs & ~said)) {
		append_names(&names, kind->needs & ~said);
		result = ebs_error_set(error, "EINVAL",
				       "SEC(\"%s\") doesn't say where to attach: give it %s",
				       program->section, names.data);
	} else if (kind->attach == attach_by_section && !ebs_section_target(program)) {
		result = ebs_error_set(error, "EINVAL", "programs of SEC(\"%s\") can't be attached",
				       program->section);
	}
	ebs_buffer_free(&names);
	for (int i = 0; !result && i < EBS_ATTACH_OPTIONS; i++)
		if (options->values[i].count > 1 && !((kind->places | WHOLE_LISTS) & 1u << i))
			result = ebs_error_set(error, "EINVAL", "SEC(\"%s\") takes one %s, no list",
					       program->section, ebs_attach_option_infos[i].name);
	return result;
}

static int attach_to_place(const struct kind *kind, struct ebs_program *program,
			   const struct ebs_attach_options *options, struct ebs_link *link,
			   struct ebs_error *error)
{
	errno = 0;
	return kind->attach(program, options, link, error);
}

// With commas between. Returns 0 or -ENOMEM.
static int keep_interfaces(struct ebs_link *link, const struct ebs_attach_value *list)
{
	struct ebs_buffer names = { 0 };

	for (uint32_t i = 0; i < list->count; i++)
		ebs_buffer_printf(&names, "%s%s", i ? "," : "", list->items[i]);
	link->interface = names.failed ? NULL : strdup(names.data);
	link->info.interface = link->interface;
	ebs_buffer_free(&names);
	return link->interface ? 0 : -ENOMEM;
}

// The parts from `first` on are attached to the place.
static int watch_parts(struct ebs_link *link, int option, const char *place, unsigned first)
{
	int result = 0;

	if (option != EBS_ATTACH_INTERFACE && option != EBS_ATTACH_CGROUP)
		return 0;
	for (unsigned i = first; !result && i < link->count; i++)
		result = ebs_link_watch_part(link,
					     option == EBS_ATTACH_INTERFACE ? EBS_PLACE_INTERFACE
									    : EBS_PLACE_CGROUP,
					     place, i);
	return result;
}

// One process may end. An iterator is run when it is read, which then says so.
static int watch_process(const struct kind *kind, const struct ebs_attach_options *options,
			 struct ebs_link *link, struct ebs_error *error)
{
	const struct ebs_attach_value *pid = &options->values[EBS_ATTACH_PID];

	if (!pid->given || pid->number <= 0 || strcmp(kind->name, "iter") == 0 ||
	    !ebs_link_watch_process(link, (pid_t)pid->number))
		return 0;
	return ebs_error_errno(error, ENOMEM, "can't attach");
}

// Each place gets options in which it is the only one. What the link has got at a failure goes with
// it.
static int attach_to_places(const struct kind *kind, struct ebs_program *program,
			    const struct ebs_attach_options *options, struct ebs_link *link,
			    struct ebs_error *error)
{
	int option = ffs((int)kind->places) - 1;
	const struct ebs_attach_value *list = option < 0 ? NULL : &options->values[option];
	if (!list || !list->given)
		return attach_to_place(kind, program, options, link, error);

	struct ebs_attach_options single = *options;
	int result = 0;

	for (uint32_t i = 0; !result && i < list->count; i++) {
		struct ebs_link_info before = link->info;

		single.values[option].text = list->items[i];
		single.values[option].items = &list->items[i];
		single.values[option].count = 1;
		unsigned parts = link->count;
		result = attach_to_place(kind, program, &single, link, error);
		if (!result && watch_parts(link, option, list->items[i], parts))
			result = ebs_error_errno(error, ENOMEM, "can't attach");
		if (link->count > 1)
			link->info.ifindex = 0;
		if (before.mode && link->info.mode && strcmp(before.mode, link->info.mode))
			link->info.mode = "several modes";
	}
	if (!result && option == EBS_ATTACH_INTERFACE && keep_interfaces(link, list))
		result = ebs_error_errno(error, ENOMEM, "can't attach");
	return result;
}

struct ebs_link *ebs_program_attach(struct ebs_program *program,
				    const struct ebs_attach_options *options,
				    struct ebs_error *error)
{
	const struct kind *kind = find_kind(program);
	struct ebs_error cause = { 0 };
	struct ebs_link *link = NULL;
	int result = program->left_out
			     ? ebs_error_set(&cause, "EINVAL",
					     "SEC(\"%s\") was left out: another of first_of came "
					     "before it",
					     program->section)
			     : check_options(kind, program, options, &cause);

	if (!result) {
		link = calloc(1, sizeof(*link));
		if (!link)
			result = ebs_error_errno(&cause, ENOMEM, "can't attach");
	}
	if (!result) {
		link->info.kind = kind->name;
		link->info.program = program->name;
		ebs_log_clear();
		result = attach_to_places(kind, program, options, link, &cause);
		if (!result)
			result = watch_process(kind, options, link, &cause);
	}
	if (!result) {
		link->program = program;
		link->next = program->links;
		program->links = link;
		return link;
	}

	if (result == -EPERM || result == -EACCES)
		ebs_permission_refuse_attach(program, kind->name, result, ebs_error_text(&cause),
					     error);
	else if (result == -EMFILE)
		ebs_error_explain(error, result,
				  "%s; each link is one, and this process may have %s",
				  ebs_error_text(&cause), ebs_open_files_limit());
	else if (result == -ESRCH && options->values[EBS_ATTACH_PID].given)
		ebs_error_explain(error, result, "there is no process %d",
				  (int)options->values[EBS_ATTACH_PID].number);
	else if (result == -E2BIG)
		ebs_error_explain(
			error, result,
			"attaching \"%s\" (SEC(\"%s\")): as many programs are there already "
			"as the kernel takes in one place (64 on a tracepoint or cgroup, 38 on "
			"a function): put them into one, or end others",
			program->name, program->section);
	else if (error) {
		*error = cause;
		cause = (struct ebs_error){ 0 };
	}
	ebs_error_clear(&cause);
	ebs_link_free(link);
	return NULL;
}
