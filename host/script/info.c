// SPDX-License-Identifier: GPL-2.0-only
// `ebscript --info`: what this kernel, these privileges and this build can do, to be put into a
// report.
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/capabilities.h"
#include "compile/cache.h"
#include "kernel/feature.h"
#include "kernel/lockdown.h"
#include "kernel/log.h"
#include "kernel/probe_list.h"
#include "kernel/tracefs.h"
#include "script/script.h"
#include "types/kernel_identity.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void print_kernel(void)
{
	struct utsname name;
	struct ebs_buffer identity = { 0 };
	char mode[32];

	if (uname(&name) == 0)
		printf("kernel: %s %s %s\n", name.sysname, name.release, name.machine);
	printf("types (BTF): %s\n", ebs_kernel_identity(&identity) ? "no" : "yes");
	printf("lockdown: %s\n", ebs_lockdown_mode(mode, sizeof(mode)));
	ebs_buffer_free(&identity);
}

// One line of a file, such as a setting of the kernel's.
static void print_setting(const char *name, const char *path)
{
	struct ebs_buffer text = { 0 };

	if (ebs_buffer_read_file(&text, path))
		printf("%s: unknown\n", name);
	else
		printf("%s: %s", name, text.data ? text.data : "\n");
	ebs_buffer_free(&text);
}

static void print_privileges(void)
{
	static const char *const names[] = { "CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN",
					     "CAP_SYS_ADMIN", "CAP_DAC_READ_SEARCH" };
	struct ebs_buffer events = { 0 };

	printf("user: %u\n", (unsigned)geteuid());
	for (size_t i = 0; i < COUNT(names); i++)
		printf("%s: %s\n", names[i],
		       ebs_capability_have(ebs_capability_find(names[i])) ? "yes" : "no");
	print_setting("unprivileged_bpf_disabled", "/proc/sys/kernel/unprivileged_bpf_disabled");
	print_setting("perf_event_paranoid", "/proc/sys/kernel/perf_event_paranoid");
	print_setting("bpf_jit_enable", "/proc/sys/net/core/bpf_jit_enable");
	printf("tracefs: %s\n", ebs_tracefs_read("available_events", &events) ? "no" : "yes");
	ebs_buffer_free(&events);
}

static void print_cache(const char *cache_dir)
{
	struct ebs_error error = { 0 };
	struct ebs_cache *cache = ebs_cache_open(cache_dir, &error);

	printf("cache: %s\n", cache ? ebs_cache_path(cache) : ebs_error_text(&error));
	ebs_cache_close(cache);
	ebs_error_clear(&error);
}

typedef bool has(const char *name, struct ebs_error *why);

static void print_feature(const char *name, has *has)
{
	struct ebs_error why = { 0 };

	if (has(name, &why))
		printf("  %s: yes\n", name);
	else
		printf("  %s: no: %s\n", name, ebs_error_text(&why));
	ebs_error_clear(&why);
}

static void print_features(const char *title, const char *const *names, size_t count, has *has)
{
	printf("%s:\n", title);
	for (size_t i = 0; i < count; i++)
		print_feature(names[i], has);
}

static bool has_helper(const char *name, struct ebs_error *why)
{
	return ebs_has_helper(name, NULL, why);
}

// Each that the kernel's BTF has is tried: a locked kernel may refuse some of them.
static void print_iterators(void)
{
	struct ebs_buffer names = { 0 };
	struct ebs_buffer ignored = { 0 };
	struct ebs_error error = { 0 };

	if (ebs_probes_list("iter", false, &names, &ignored, &error) < 0)
		printf("iterators: unknown: %s\n", ebs_error_text(&error));
	else
		printf("iterators:\n");
	for (char *rest = names.data, *name; (name = strsep(&rest, "\n"));)
		if (*name)
			print_feature(name, ebs_has_program);
	ebs_buffer_free(&names);
	ebs_buffer_free(&ignored);
	ebs_error_clear(&error);
}

void ebs_script_print_info(const char *cache_dir)
{
	static const char *const programs[] = {
		"kprobe",
		"kprobe.multi",
		"kprobe.session",
		"uprobe",
		"uprobe.multi",
		"usdt",
		"tracepoint",
		"raw_tp",
		"tp_btf",
		"fentry",
		"fexit",
		"fmod_ret",
		"lsm",
		"perf_event",
		"xdp",
		"tc",
		"cgroup_skb/ingress",
		"cgroup/sock_create",
		"cgroup/sysctl",
		"cgroup/dev",
		"sockops",
		"sk_skb/stream_verdict",
		"sk_msg",
		"sk_lookup",
		"socket",
		"flow_dissector",
		"netfilter",
		"struct_ops",
		"syscall",
	};
	static const char *const maps[] = {
		"hash",         "percpu_hash",  "lru_hash",         "array",       "percpu_array",
		"ringbuf",      "user_ringbuf", "perf_event_array", "stack_trace", "lpm_trie",
		"queue",        "bloom_filter", "hash_of_maps",     "prog_array",  "task_storage",
		"cgrp_storage", "sockmap",      "devmap",           "cpumap",      "xskmap",
		"struct_ops",
	};
	static const char *const helpers[] = {
		"bpf_ringbuf_reserve",   "bpf_loop",   "bpf_timer_init",         "bpf_get_stackid",
		"bpf_probe_read_kernel", "bpf_d_path", "bpf_user_ringbuf_drain",
	};

	ebs_log_init(false);
	printf("ebscript %s\n", EBS_VERSION);
	ebs_script_print_versions();
	print_kernel();
	print_privileges();
	print_cache(cache_dir);
	print_features("programs", programs, COUNT(programs), ebs_has_program);
	print_iterators();
	print_features("maps", maps, COUNT(maps), ebs_has_map_kind);
	print_features("helpers", helpers, COUNT(helpers), has_helper);
}
