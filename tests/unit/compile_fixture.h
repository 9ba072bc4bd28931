// SPDX-License-Identifier: GPL-2.0-only
// What the compiler's tests share: a stand-in for the kernel's types, and a compile that succeeds.
#ifndef EBS_TESTS_COMPILE_FIXTURE_H
#define EBS_TESTS_COMPILE_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "compile/compile.h"

// Enough for bpf_helpers.h and bpf_core_read.h.
static const char kernel_types[] =
	"#ifndef __VMLINUX_H__\n"
	"#define __VMLINUX_H__\n"
	"#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)\n"
	"typedef unsigned char __u8;\n"
	"typedef unsigned short __u16;\n"
	"typedef int __s32;\n"
	"typedef unsigned int __u32;\n"
	"typedef long long __s64;\n"
	"typedef unsigned long long __u64;\n"
	"typedef __u8 u8;\n"
	"typedef __u32 u32;\n"
	"typedef __u64 u64;\n"
	"typedef int pid_t;\n"
	"typedef __u16 __be16;\n"
	"typedef __u32 __be32;\n"
	"typedef __u32 __wsum;\n"
	"enum bpf_map_type { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY = 2,\n"
	"	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4, BPF_MAP_TYPE_PERCPU_ARRAY = 6,\n"
	"	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12, BPF_MAP_TYPE_RINGBUF = 27 };\n"
	"enum { BPF_ANY = 0, BPF_NOEXIST = 1 };\n"
	"struct task_struct { pid_t pid; pid_t tgid; struct task_struct *real_parent; };\n"
	"struct bpf_dynptr { __u64 opaque[2]; } __attribute__((aligned(8)));\n"
	"struct kernel_event { __u64 when; __u32 cpu; };\n"
	"#pragma clang attribute pop\n"
	"#endif\n";

static struct ebs_compile_input input_of(const char *source)
{
	return (struct ebs_compile_input){
		.source = source,
		.size = strlen(source),
		.name = "test.bpf.c",
		.kernel_types = kernel_types,
		.kernel_types_size = strlen(kernel_types),
	};
}

// Compiles what must compile; the caller frees.
static struct ebs_compile_output compile_input(const struct ebs_compile_input *input)
{
	struct ebs_compile_output output;
	struct ebs_error error = { 0 };
	int result = ebs_compile(input, &output, &error);

	if (result)
		print_error("%s: %s\n", error.code, ebs_error_text(&error));
	ebs_error_clear(&error);
	assert_int_equal(result, 0);
	assert_non_null(output.object);
	return output;
}

#endif
