// SPDX-License-Identifier: GPL-2.0-only
// Why an object couldn't be loaded, where the verifier has nothing to do with it.
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/capabilities.h"
#include "base/file.h"
#include "kernel/feature.h"
#include "kernel/log.h"
#include "kernel/map_kinds.h"
#include "kernel/object_private.h"
#include "kernel/permission.h"
#include "kernel/program_kind.h"

#define FEW_INSTRUCTIONS 4096 // BPF_MAXINSNS of <linux/bpf_common.h>

// libbpf names the map in its own words only.
static struct bpf_map *find_refused_map(struct ebs_object *object)
{
	const char *words = ebs_log_text();
	struct bpf_map *map;

	bpf_object__for_each_map (map, object->handle) {
		struct ebs_buffer phrase = { 0 };

		ebs_buffer_printf(&phrase, "map '%s': failed to create: ", bpf_map__name(map));
		bool found = phrase.data && strstr(words, phrase.data);
		ebs_buffer_free(&phrase);
		if (found)
			return map;
	}
	return NULL;
}

static void append_size(struct ebs_buffer *out, double size)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	size_t unit = 0;

	for (; size >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		size /= 1024;
	ebs_buffer_printf(out, "%.*f %s", unit ? 1 : 0, size, units[unit]);
}

// "map "slots" (hash, 100 entries of 24 bytes: 2.3 KiB)"
static void describe_map(const struct bpf_map *map, struct ebs_buffer *out)
{
	uint32_t size = bpf_map__key_size(map) + bpf_map__value_size(map);
	uint32_t entries = bpf_map__max_entries(map);

	ebs_buffer_printf(out, "map \"%s\" (%s, ", bpf_map__name(map),
			  ebs_map_kind(bpf_map__type(map))->name);
	if (size) // ring buffers have neither keys nor values
		ebs_buffer_printf(out, "%u entries of %u bytes: ", entries, size);
	append_size(out, size ? (double)size * entries : entries);
	ebs_buffer_append_string(out, ")");
}

// Before Linux 5.11 maps count against the limit on locked memory, which libbpf raises if it may.
static bool limits_memory(struct ebs_buffer *out)
{
	struct rlimit limit;

	if (ebs_has_helper("ktime_get_coarse_ns", NULL, NULL) ||
	    getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return false;
	ebs_buffer_append_string(out, "the limit on locked memory, which this kernel counts maps "
				      "against, is ");
	append_size(out, (double)limit.rlim_cur);
	ebs_buffer_append_string(
		out, ": raise it with `ulimit -l unlimited`, or run it with CAP_SYS_RESOURCE");
	return true;
}

// `map_extra` of a kind that takes none, or not this one (map_create() in the kernel).
static bool blame_extra(const struct bpf_map *map, const char *kind, struct ebs_buffer *out)
{
	unsigned long long extra = bpf_map__map_extra(map);
	const char *meaning = NULL;

	if (strcmp(kind, "bloom_filter") == 0)
		meaning = extra > 15 ? "is the number of hash functions, 1 to 15" : NULL;
	else if (strcmp(kind, "arena") == 0)
		meaning = extra % (unsigned long long)sysconf(_SC_PAGESIZE)
				  ? "is an address, a multiple of a page's size"
				  : NULL;
	else if (extra)
		meaning = "must be left out";
	if (meaning)
		ebs_buffer_printf(out,
				  "map \"%s\" has map_extra %llu, which for a map of kind %s %s",
				  bpf_map__name(map), extra, kind, meaning);
	return meaning;
}

static int explain_map(const struct bpf_map *map, int number, const struct ebs_buffer *limit,
		       struct ebs_error *error)
{
	const char *kind = ebs_map_kind(bpf_map__type(map))->name;
	struct ebs_buffer what = { 0 }, extra = { 0 };
	struct ebs_error why = { 0 };

	describe_map(map, &what);
	if (limit->size)
		ebs_error_explain(error, number, "%s can't be made: %s", what.data, limit->data);
	else if (number == ENOMEM)
		ebs_error_explain(
			error, number,
			"%s needs more memory than there is, or than the limit of the cgroup "
			"allows: give it fewer entries",
			what.data);
	else if (number == E2BIG)
		ebs_error_explain(error, number,
				  "%s is larger than the kernel takes: give it fewer entries, or a "
				  "smaller value",
				  what.data);
	else if (number == EINVAL && !ebs_has_map_kind(kind, &why))
		ebs_error_explain(error, number, "map \"%s\": %s", bpf_map__name(map),
				  ebs_error_text(&why));
	else if (number == EINVAL && blame_extra(map, kind, &extra))
		ebs_error_explain(error, number, "%s", extra.data);
	else if (number == EINVAL)
		ebs_error_explain(
			error, number,
			"the kernel takes no %s with flags 0x%x: its kind asks for another "
			"size of key or value, number of entries, or flags",
			what.data, bpf_map__map_flags(map));
	else
		ebs_error_errno(error, number, "can't make %s", what.data);
	ebs_error_clear(&why);
	ebs_buffer_free(&extra);
	ebs_buffer_free(&what);
	return -number;
}

// If libbpf failed before it loaded any program, the first one says what the object needs.
static int explain_permission(struct ebs_object *object, const struct bpf_map *map, int number,
			      struct ebs_error *error)
{
	const struct ebs_program *refused = ebs_object_refused_program(object);
	const struct ebs_program *program = refused;
	struct ebs_buffer what = { 0 };

	for (size_t i = 0; !program && i < object->program_count; i++)
		if (!object->programs[i].left_out)
			program = &object->programs[i];
	if (program && (refused || !map))
		return ebs_permission_refuse_load(program, refused, number, error);
	if (map)
		describe_map(map, &what);
	int result = ebs_permission_refuse_map(map ? what.data : "maps", number, error);
	ebs_buffer_free(&what);
	return result;
}

// What an errno means where the verifier says nothing: when the kernel refuses each program of the
// kind. The numbers are those that bpf_prog_load() in the kernel's kernel/bpf/syscall.c and
// bpf_check() in kernel/bpf/verifier.c return.
static const char *cause_in_kind(int number)
{
	switch (number) {
	case EINVAL:
	case ENOSYS:
		return "this kernel has no programs of this kind: it is too old for them, or built "
		       "without them";
	case ENOENT:
	case ESRCH:
		return "this kernel doesn't find what programs of this kind attach to";
	case E2BIG:
		return "this kernel's bpf(2) doesn't know all that is asked of it: it is too old "
		       "for "
		       "this kind of programs";
	case EOPNOTSUPP:
	case ENOTSUPP:
		return ebs_read_number("/proc/sys/net/core/bpf_jit_enable", 1)
			       ? "this kernel is built without what programs of this kind need"
			       : "programs of this kind need the kernel's JIT compiler, which is "
				 "off: sysctl net.core.bpf_jit_enable=1";
	default:
		return "the kernel refuses all programs of this kind, and gives no reason";
	}
}

static int explain_program(const struct ebs_program *program, int number, struct ebs_error *error)
{
	size_t count = bpf_program__insn_cnt(program->handle);
	struct ebs_program_kind kind;
	const char *cause;

	if (number == ENOMEM)
		return ebs_error_explain(
			error, number,
			"the kernel has not the memory to load \"%s\" (SEC(\"%s\"), %zu "
			"instructions), or the limit of the cgroup doesn't allow it",
			program->name, program->section, count);
	if (number == E2BIG && count > FEW_INSTRUCTIONS)
		return ebs_error_explain(error, number,
					 "\"%s\" has %zu instructions: the kernel takes a million, "
					 "and 4096 from who "
					 "has not CAP_BPF",
					 program->name, count);
	if (!ebs_program_kind_of(program, &kind))
		cause = "the kernel gives no reason; it may have no programs of this kind";
	else if (ebs_program_kind_refused(program, number))
		cause = cause_in_kind(number);
	else
		cause = "the kernel gives no reason; it takes other programs of this kind";
	return ebs_error_explain(error, number, "can't load \"%s\" (SEC(\"%s\")): %s: %s",
				 program->name, program->section, ebs_error_words(number), cause);
}

int ebs_object_explain_load(struct ebs_object *object, int number, struct ebs_error *error)
{
	const char *words = ebs_log_text();
	struct ebs_buffer limit = { 0 };

	number = number < 0 ? -number : number;
	if (ebs_error_is_set(error) || ebs_object_explain_pins(object, number, error))
		return -number;
	const struct bpf_map *map = find_refused_map(object);
	const struct ebs_program *program = ebs_object_refused_program(object);
	if (number == EMFILE)
		return ebs_error_explain(
			error, number,
			"%s has more maps and programs than this process may have open "
			"files, %s",
			object->name, ebs_open_files_limit());
	// libbpf loads a program that does nothing first: when even that is refused, it is for want
	// of privileges, of memory, or of all of BPF.
	bool nothing = !map && !program && strstr(words, "probe_loading");
	bool refused = number == EPERM || (number == EACCES && (map || program || nothing));
	bool limited = refused && (map || nothing) && ebs_capability_have(CAP_BPF) &&
		       limits_memory(&limit);

	if (map && (!refused || limited))
		explain_map(map, number, &limit, error);
	else if (nothing && limited)
		ebs_error_explain(error, number, "%s can't be loaded: %s", object->name,
				  limit.data);
	ebs_buffer_free(&limit);
	if (ebs_error_is_set(error))
		return -number;
	if (refused && (!*words || map || program || nothing))
		return explain_permission(object, map, number, error);
	if (number == ENOSYS && nothing)
		return ebs_permission_refuse_call(number, error);
	if (nothing)
		return ebs_error_errno(error, number,
				       "the kernel takes not even a program that does nothing");
	if (program)
		return explain_program(program, number, error);
	if (ebs_object_explain_words(object, words, number, error))
		return -number;
	if (*words)
		return ebs_error_explain(error, number, "can't load %s:\n%s", object->name, words);
	return ebs_error_errno(error, number, "can't load %s", object->name);
}
