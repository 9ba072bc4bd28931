// SPDX-License-Identifier: GPL-2.0-only
// Asks the kernel itself, by bpf(2) and perf_event_open(2), what it takes: tests skip on its answer
// alone.
//
//	try_bpf WHAT...
//
// WHAT is a SEC() of programs ("iter/task", "fentry/vfs_read"), "map:KIND", or "struct_ops:NAME".
// Programs are loaded; those on functions of the kernel ("kprobe/vfs_read",
// "kprobe.multi/vfs_read") are attached too. Each becomes a line: WHAT, the errno's name or 0, and
// the errno in words.
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf_kind.h"

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	int fd = (int)syscall(SYS_bpf, command, attr, sizeof(*attr));

	return fd < 0 ? -errno : fd;
}

// A program that returns 0.
static int load(const struct bpf_kind *kind)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = kind->type,
		.expected_attach_type = kind->attach_type,
		.prog_flags = kind->flags,
		.attach_btf_id = kind->btf_id,
		.insns = (uintptr_t)nothing,
		.insn_cnt = sizeof(nothing) / sizeof(nothing[0]),
		.license = (uintptr_t) "GPL",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

static int read_number(const char *path)
{
	FILE *file = fopen(path, "r");
	int number = -ENOENT;

	if (file && fscanf(file, "%d", &number) != 1)
		number = -EIO;
	if (file)
		fclose(file);
	return number;
}

// Loading needs no kprobes in the kernel, attaching does.
static int open_kprobe(const char *function)
{
	int type = read_number("/sys/bus/event_source/devices/kprobe/type");
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = (uint32_t)type,
		.kprobe_func = (uintptr_t)function,
	};

	if (type < 0)
		return type;
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int link_functions(const struct bpf_kind *kind, int program, const char *function)
{
	uintptr_t names[] = { (uintptr_t)function };
	union bpf_attr attr = {
		.link_create.prog_fd = (uint32_t)program,
		.link_create.attach_type = kind->attach_type,
		.link_create.kprobe_multi.cnt = 1,
		.link_create.kprobe_multi.syms = (uintptr_t)names,
	};

	return bpf(BPF_LINK_CREATE, &attr);
}

static int try_program(const char *section)
{
	const char *function = strchr(section, '/');
	struct bpf_kind kind;
	int result = bpf_kind_find(section, &kind);

	if (result)
		return result;
	int program = load(&kind);
	if (program < 0 || kind.type != BPF_PROG_TYPE_KPROBE || *section != 'k' || !function)
		return program;
	result = kind.attach_type ? link_functions(&kind, program, function + 1)
				  : open_kprobe(function + 1);
	close(program);
	return result;
}

static int try_map(const char *name)
{
	for (uint32_t type = 1; libbpf_bpf_map_type_str(type); type++) {
		union bpf_attr attr = { .map_type = type, .max_entries = 4096 };

		if (strcmp(libbpf_bpf_map_type_str(type), name))
			continue;
		if (type != BPF_MAP_TYPE_RINGBUF && type != BPF_MAP_TYPE_USER_RINGBUF)
			attr.key_size = attr.value_size = 4;
		return bpf(BPF_MAP_CREATE, &attr);
	}
	return -EINVAL;
}

// The kernel wants the map's own types with it, whatever they are.
static int load_types(struct btf *types)
{
	btf__add_int(types, "int", 4, BTF_INT_SIGNED);
	int result = btf__load_into_kernel(types);

	return result < 0 ? result : btf__fd(types);
}

static int try_struct_ops(const char *name)
{
	char full[128];
	const struct btf *kernel = bpf_kind_types();
	struct btf *types = btf__new_empty();

	if (!kernel || !types)
		return -errno;
	snprintf(full, sizeof(full), "bpf_struct_ops_%s", name);
	int id = btf__find_by_name_kind(kernel, full, BTF_KIND_STRUCT);
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_STRUCT_OPS,
		.key_size = 4,
		.value_size = id > 0 ? (uint32_t)btf__resolve_size(kernel, id) : 0,
		.max_entries = 1,
		.btf_fd = (uint32_t)load_types(types),
		.btf_vmlinux_value_type_id = (uint32_t)id,
	};
	int result = id > 0 ? bpf(BPF_MAP_CREATE, &attr) : -ENOENT;

	btf__free(types);
	return result;
}

static int try(const char *what)
{
	if (strncmp(what, "map:", 4) == 0)
		return try_map(what + 4);
	if (strncmp(what, "struct_ops:", 11) == 0)
		return try_struct_ops(what + 11);
	return try_program(what);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int result = try(argv[i]);
		const char *name = result < 0 ? strerrorname_np(-result) : "0";

		printf("%s\t%s\t%s\n", argv[i], name ? name : "ENOTSUPP",
		       name ? strerror(result < 0 ? -result : 0) : "Operation not supported");
		if (result >= 0)
			close(result);
	}
	return argc > 1 ? 0 : 2;
}
