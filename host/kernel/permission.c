// SPDX-License-Identifier: GPL-2.0-only
// Why the kernel said EPERM or EACCES: a capability that lacks, a user namespace, lockdown.
#include "kernel/permission.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/capabilities.h"
#include "base/file.h"
#include "kernel/attach_private.h"
#include "kernel/btf_programs.h"
#include "kernel/lockdown.h"

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
	if (needed && is_in_user_namespace())
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

static bool is_locked_down(const char *at_least, char *mode, size_t size)
{
	ebs_lockdown_mode(mode, size);
	return strcmp(mode, "confidentiality") == 0 || strcmp(mode, at_least) == 0;
}

// Programs that run by a trampoline are refused under lockdown where it can't be written.
static int refuse_lockdown(const struct ebs_program *program, int number, struct ebs_error *error)
{
	const char *section = program->section;
	bool returns = strncmp(section, "fexit", 5) == 0;
	bool entry = strncmp(section, "fentry", 6) == 0;
	bool trampoline = returns || entry || strncmp(section, "fmod_ret", 8) == 0 ||
			  strncmp(section, "lsm", 3) == 0;
	char mode[32];
	char kprobe[160] = "";

	if (!trampoline)
		return 0;
	if (!is_locked_down("integrity", mode, sizeof(mode))) {
		if (strcmp(mode, "none") == 0)
			return 0;
		snprintf(mode, sizeof(mode), "it seems: only root can ask");
	}
	if ((entry || returns) && ebs_kernel_has_kprobes() && strcmp(mode, "confidentiality"))
		snprintf(kprobe, sizeof(kprobe), "SEC(\"%s/%s\"), ",
			 returns ? "kretprobe" : "kprobe", ebs_section_target(program));
	return ebs_error_explain(
		error, number,
		"this kernel is locked down (%s) and takes no program of SEC(\"%s\"): use %s"
		"SEC(\"tp_btf/NAME\"), SEC(\"raw_tp/NAME\") or SEC(\"tracepoint/CATEGORY/NAME\") "
		"(`ebscript -l` lists them), or boot without lockdown",
		mode, section, kprobe);
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
			     : "a security module may be why; the kernel's log (dmesg) tells";
}

int ebs_permission_refuse_call(int number, struct ebs_error *error)
{
	return ebs_error_explain(error, number, "this kernel has no bpf(2) for this process: %s",
				 is_filtered() ? SECCOMP
					       : "it is built without CONFIG_BPF_SYSCALL");
}

int ebs_permission_refuse_load(const struct ebs_program *program, int number,
			       struct ebs_error *error)
{
	char doing[192] = "loading maps";
	uint64_t needed = BPF;

	if (program) {
		needed |= needed_by_type(bpf_program__type(program->handle));
		snprintf(doing, sizeof(doing), "loading \"%s\" (SEC(\"%s\"))", program->name,
			 program->section);
	}
	int result = refuse_capabilities(doing, needed, number, error);
	if (!result && program)
		result = refuse_lockdown(program, number, error);
	if (!result)
		result = ebs_error_explain(
			error, number,
			"%s was refused, although this process has the capabilities that it needs: "
			"%s",
			doing, other_reason());
	return result;
}

static int refuse_kprobe(const struct ebs_program *program, const char *doing, const char *mode,
			 int number, struct ebs_error *error)
{
	const char *trampoline = strncmp(program->section, "kret", 4) == 0 ? "fexit" : "fentry";
	const char *target = ebs_section_target(program);
	bool named = target && !strstr(program->section, "sys"); // not what ksyscall looks up

	return ebs_error_explain(error, number,
				 "%s: this kernel is locked down (%s) and takes no kprobe: use "
				 "SEC(\"%s/%s\"), a tracepoint, or boot without lockdown",
				 doing, mode, trampoline, named ? target : "FUNCTION");
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
	if (kprobe && is_locked_down("confidentiality", mode, sizeof(mode)))
		return refuse_kprobe(program, doing, mode, number, error);
	if ((needed & PERFMON) && is_locked_down("confidentiality", mode, sizeof(mode)))
		return ebs_error_explain(error, number, "%s: this kernel is locked down (%s): %s",
					 doing, mode, cause);
	return ebs_error_explain(error, number, "%s is not permitted: %s%s%s", doing, cause,
				 is_filtered() ? "; " : "", is_filtered() ? SECCOMP : "");
}
