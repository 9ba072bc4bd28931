// SPDX-License-Identifier: GPL-2.0-only
// Why the kernel said EPERM or EACCES: a capability that lacks, a user namespace, lockdown.
#include "kernel/permission.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/capabilities.h"
#include "base/file.h"
#include "kernel/lockdown_refusal.h"
#include "kernel/privileges.h"

#define BPF     EBS_CAPABILITY(CAP_BPF)
#define PERFMON EBS_CAPABILITY(CAP_PERFMON)
#define NET     EBS_CAPABILITY(CAP_NET_ADMIN)
#define RAW     EBS_CAPABILITY(CAP_NET_RAW)
#define ADMIN   EBS_CAPABILITY(CAP_SYS_ADMIN)

static const struct {
	int number;
	const char *name;
} names[] = {
	{ CAP_BPF, "CAP_BPF" },
	{ CAP_PERFMON, "CAP_PERFMON" },
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN" },
	{ CAP_NET_RAW, "CAP_NET_RAW" },
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" },
};

#define NAMES (sizeof(names) / sizeof(names[0]))

// What the kernel asks of who loads programs of this type, besides CAP_BPF.
static uint64_t needed_by_type(enum bpf_prog_type type)
{
	switch (type) {
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_SK_REUSEPORT:
	case BPF_PROG_TYPE_SYSCALL:
		return 0;
	case BPF_PROG_TYPE_KPROBE:
	case BPF_PROG_TYPE_TRACEPOINT:
	case BPF_PROG_TYPE_PERF_EVENT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
	case BPF_PROG_TYPE_TRACING:
	case BPF_PROG_TYPE_LSM:
	case BPF_PROG_TYPE_STRUCT_OPS:
		return PERFMON;
	case BPF_PROG_TYPE_EXT:
		return PERFMON | NET;
	default:
		return NET;
	}
}

static uint64_t needed_by_kind(const char *kind)
{
	static const struct {
		const char *kind;
		uint64_t needed;
	} kinds[] = {
		{ "xdp", NET },
		{ "tc", NET },
		{ "cgroup", NET },
		{ "netfilter", NET },
		{ "sk_lookup", NET },
		{ "flow_dissector", NET },
		{ "sk_skb", NET },
		{ "sk_msg", NET },
		{ "socket", RAW },
		{ "perf_event", PERFMON },
		{ "kprobe", PERFMON },
		{ "kretprobe", PERFMON },
		{ "ksyscall", PERFMON },
		{ "kretsyscall", PERFMON },
		{ "tracepoint", PERFMON },
		{ "uprobe", ADMIN },
		{ "uretprobe", ADMIN },
		{ "usdt", ADMIN },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return kinds[i].needed;
	return 0;
}

// Before Linux 5.8 there was CAP_SYS_ADMIN in their place.
static uint64_t as_this_kernel_has_it(uint64_t needed)
{
	if (ebs_capability_exists(CAP_BPF) || !(needed & (BPF | PERFMON)))
		return needed;
	return (needed & ~(BPF | PERFMON)) | ADMIN;
}

// CAP_SYS_ADMIN stands for the two that were taken out of it.
static uint64_t missing_of(uint64_t needed)
{
	uint64_t missing = 0;
	bool admin = ebs_capability_have(CAP_SYS_ADMIN);

	for (size_t i = 0; i < NAMES; i++) {
		uint64_t bit = EBS_CAPABILITY(names[i].number);
		bool stands_for = admin && (bit & (BPF | PERFMON));

		if ((needed & bit) && !stands_for && !ebs_capability_have(names[i].number))
			missing |= bit;
	}
	return missing;
}

static void append_names(struct ebs_buffer *out, uint64_t set)
{
	const char *between = "";

	for (size_t i = 0; i < NAMES; i++) {
		if (!(set & EBS_CAPABILITY(names[i].number)))
			continue;
		ebs_buffer_printf(out, "%s%s", between, names[i].name);
		between = " and ";
	}
}

// Capabilities in a user namespace count for what belongs to it only.
static bool is_in_user_namespace(void)
{
	static const ino_t first = 0xEFFFFFFD; // the kernel's PROC_USER_INIT_INO
	struct stat own;

	return !stat("/proc/self/ns/user", &own) && own.st_ino != first;
}

// Tells of capabilities; returns 0 when that isn't the reason.
static int refuse_capabilities(const char *doing, uint64_t needed, int number,
			       struct ebs_error *error)
{
	struct ebs_buffer all = { 0 };
	struct ebs_buffer lacking = { 0 };
	int result = 0;

	needed = as_this_kernel_has_it(needed);
	uint64_t missing = missing_of(needed);
	append_names(&all, needed);
	append_names(&lacking, missing);
	bool one = !(missing & (missing - 1));
	if (missing && ebs_privileges_are_dropped())
		result = ebs_error_explain(
			error, number,
			"%s needs %s, which this process has given up: do it before "
			"bpf.drop_privileges()",
			doing, all.data);
	else if (needed && is_in_user_namespace())
		result = ebs_error_explain(
			error, number,
			"%s needs %s outside of the user namespace that this process is in: run it "
			"as root, in no container or in a privileged one",
			doing, all.data);
	else if (missing)
		result = ebs_error_explain(
			error, number, "%s needs %s%s%s%s: %s", doing, all.data,
			missing == needed ? "" : ", and this process lacks ",
			missing == needed ? "" : lacking.data,
			missing == needed ? ", which this process lacks" : "",
			geteuid() ? (one ? "run it as root, or with that capability"
					 : "run it as root, or with these capabilities")
				  : (one ? "being root isn't enough, give the container that "
					   "capability"
					 : "being root isn't enough, give the container these "
					   "capabilities"));
	ebs_buffer_free(&all);
	ebs_buffer_free(&lacking);
	return result;
}

static bool is_filtered(void)
{
	return prctl(PR_GET_SECCOMP) == 2;
}

#define SECCOMP                                                                        \
	"a seccomp filter is on this process, as containers have by their policy: it " \
	"must let bpf(2) and perf_event_open(2) pass"

// The way out where capabilities and lockdown aren't the reason.
static const char *other_reason(void)
{
	return is_filtered() ? SECCOMP
			     : "a security module may be why; see the kernel's log (dmesg)";
}

// `what` can't be done: "load "run" (SEC("xdp"))".
static int refuse_otherwise(const char *what, int number, struct ebs_error *error)
{
	return ebs_error_explain(
		error, number,
		"can't %s: %s, although this process has the capabilities that it needs: %s", what,
		ebs_error_words(abs(number)), other_reason());
}

int ebs_permission_refuse_call(int number, struct ebs_error *error)
{
	return ebs_error_explain(error, number, "this kernel has no bpf(2) for this process: %s",
				 is_filtered() ? SECCOMP
					       : "it is built without CONFIG_BPF_SYSCALL");
}

int ebs_permission_refuse_load(const struct ebs_program *program, bool alone, int number,
			       struct ebs_error *error)
{
	uint64_t needed = BPF | needed_by_type(bpf_program__type(program->handle));
	char what[192];

	snprintf(what, sizeof(what), "loading \"%s\" (SEC(\"%s\"))", program->name,
		 program->section);
	int result = refuse_capabilities(what, needed, number, error);
	if (!result && alone && (needed & PERFMON))
		result = ebs_lockdown_refuse_load(program, number, error);
	if (result)
		return result;
	snprintf(what, sizeof(what), "load \"%s\" (SEC(\"%s\"))", program->name, program->section);
	return refuse_otherwise(what, number, error);
}

int ebs_permission_refuse_map(const char *map, int number, struct ebs_error *error)
{
	char what[192];

	snprintf(what, sizeof(what), "making %s", map);
	int result = refuse_capabilities(what, BPF, number, error);
	if (result)
		return result;
	snprintf(what, sizeof(what), "make %s", map);
	return refuse_otherwise(what, number, error);
}

const char *ebs_permission_paranoid(void)
{
	int level = ebs_read_number("/proc/sys/kernel/perf_event_paranoid", 0);

	return level > 2 && ebs_capability_have(CAP_PERFMON) && !ebs_capability_have(CAP_SYS_ADMIN)
		       ? "kernel.perf_event_paranoid is above 2, where this kernel leaves perf "
			 "events to CAP_SYS_ADMIN: run it with that, or `sysctl "
			 "kernel.perf_event_paranoid=2`"
		       : NULL;
}

int ebs_permission_refuse_attach(const struct ebs_program *program, const char *kind, int number,
				 const char *cause, struct ebs_error *error)
{
	uint64_t needed = needed_by_kind(kind);
	char doing[192];
	char mode[32];

	snprintf(doing, sizeof(doing), "attaching \"%s\" (SEC(\"%s\"))", program->name,
		 program->section);
	int result = refuse_capabilities(doing, needed, number, error);
	if (result)
		return result;
	// What can't be found in tracefs has a way around perf events, too.
	if ((number == EACCES || number == -EACCES) && !strstr(cause, "tracefs") &&
	    ebs_permission_paranoid())
		return ebs_error_explain(error, number, "%s: %s", doing, ebs_permission_paranoid());
	bool kprobe = *kind == 'k' && !strchr(kind, '.'); // kprobe.multi isn't refused
	if (kprobe && ebs_is_locked_down("confidentiality", mode, sizeof(mode)))
		return ebs_lockdown_refuse_kprobe(program, doing, mode, number, error);
	if ((needed & PERFMON) && ebs_is_locked_down("confidentiality", mode, sizeof(mode)))
		return ebs_error_explain(error, number, "%s: this kernel is locked down (%s): %s",
					 doing, mode, cause);
	return ebs_error_explain(error, number, "%s is not permitted: %s%s%s", doing, cause,
				 is_filtered() ? "; " : "", is_filtered() ? SECCOMP : "");
}
