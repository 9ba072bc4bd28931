// SPDX-License-Identifier: GPL-2.0-only
// What the files of kernel/ know of an object.
#ifndef EBS_KERNEL_OBJECT_PRIVATE_H
#define EBS_KERNEL_OBJECT_PRIVATE_H

#include "kernel/object.h"

struct bpf_object;

struct ebs_object {
	struct bpf_object *handle; // NULL once closed
	char *name;
	struct ebs_types *types;
	struct ebs_map *maps;
	size_t map_count;
	struct ebs_program *programs;
	size_t program_count;
	const uint64_t
		*losses; // the counters of ebscript.bpf.h, in place; NULL when the C doesn't use it
};

// btf_programs.c: once before the first open; and between open and load.
int ebs_btf_programs_register(void);
int ebs_btf_programs_prepare(struct ebs_object *object, struct ebs_error *error);

// map_memory.c: between open and load, makes arrays such that they can be mapped.
void ebs_map_memory_prepare(struct ebs_object *object);

// losses.c: between open and load, after load, before close.
void ebs_losses_prepare(struct ebs_object *object);
int ebs_losses_open(struct ebs_object *object, struct ebs_error *error);
void ebs_losses_close(struct ebs_object *object);

#endif
