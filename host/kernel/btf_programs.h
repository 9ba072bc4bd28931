// SPDX-License-Identifier: GPL-2.0-only
// Sections of programs that attach to something by its id in the kernel's BTF.
#ifndef EBS_KERNEL_BTF_PROGRAMS_H
#define EBS_KERNEL_BTF_PROGRAMS_H

#include <stdbool.h>

#include "base/error.h"

struct ebs_program;
struct ebs_program_kind;

// The BPF_PROG_TYPE_* of such a section ("fentry", "tp_btf/sched_switch"); 0 for others.
int ebs_btf_section_type(const char *section);

// Whether the kernel has the target, and takes a program that does nothing there. A section
// without a target is tried with one that every kernel has. False with `why` filled.
bool ebs_btf_section_works(const char *section, struct ebs_error *why);

// The kind of a program that is open, if its section is one of these. Its btf_id is 0 where libbpf
// finds the target itself, in a module.
bool ebs_btf_program_kind(const struct ebs_program *program, struct ebs_program_kind *kind);

// Sets `error`: the kernel has nothing of this name for the section ("fentry", "tp_btf"); the
// nearest is named. Returns -ENOENT.
int ebs_btf_refuse(const char *section, const char *target, struct ebs_error *error);

#endif
