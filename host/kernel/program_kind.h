// SPDX-License-Identifier: GPL-2.0-only
// What bpf(2) calls a kind of programs, and whether the kernel takes programs of it.
#ifndef EBS_KERNEL_PROGRAM_KIND_H
#define EBS_KERNEL_PROGRAM_KIND_H

#include <stdbool.h>
#include <stdint.h>

struct ebs_program;
struct bpf_prog_load_opts;

// As the fields of union bpf_attr in <linux/bpf.h> have it.
struct ebs_program_kind {
	uint32_t type;        // BPF_PROG_TYPE_*
	uint32_t attach_type; // BPF_*, the one that is expected
	uint32_t flags;       // BPF_F_*
	uint32_t btf_id;      // of what it attaches to, in the kernel's BTF; 0: by another way
};

// Loads a program of the kind that does nothing. Returns 0, or -errno where the kernel refuses it.
// `judged`, unless NULL, gets whether the verifier has said something about that program: then the
// kernel knows the kind. The kernel is asked once in a process, as long as capabilities stay.
int ebs_program_kind_try(const struct ebs_program_kind *kind, bool *judged);

// The kind of a program that is open. False where a program that does nothing can't be made of it:
// struct_ops, freplace, targets in modules.
bool ebs_program_kind_of(const struct ebs_program *program, struct ebs_program_kind *kind);

// The kernel refused the program with `number`, and refuses one of its kind that does nothing with
// the same and no word of the verifier's. True too where that can't be tried.
bool ebs_program_kind_refused(const struct ebs_program *program, int number);

// Loads a program that does nothing. `options` is only read; libbpf 1.5 and
// later want it without const.
// Returns its descriptor or -errno.
int ebs_load_nothing(int type, struct bpf_prog_load_opts *options);

#endif
