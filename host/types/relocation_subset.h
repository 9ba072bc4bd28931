// SPDX-License-Identifier: GPL-2.0-only
// The part of the kernel's BTF that an object's CO-RE relocations are resolved against.
#ifndef EBS_TYPES_RELOCATION_SUBSET_H
#define EBS_TYPES_RELOCATION_SUBSET_H

#include "base/buffer.h"
#include "base/error.h"
#include "types/btf_blob.h"

enum ebs_subset_kind {
	EBS_SUBSET_UNNEEDED, // the object has no relocations
	EBS_SUBSET_WHOLE,
	EBS_SUBSET_OF_VMLINUX, // whole as long as no module has one of the missing names
	EBS_SUBSET_IMPOSSIBLE, // only the kernel's own BTF will do
};

struct ebs_relocation_subset {
	enum ebs_subset_kind kind;
	struct ebs_buffer btf;     // owned; libbpf's btf_custom_path can be a file of these bytes
	struct ebs_buffer missing; // owned; OF_VMLINUX: names without ___flavor, a NUL behind each
};

// Starts with what it fills. Returns 0, or a negative errno with `error` filled; the caller frees
// it in either case.
int ebs_relocation_subset_make(const struct ebs_btf_blob *kernel, const void *elf, size_t size,
			       struct ebs_relocation_subset *subset, struct ebs_error *error);
void ebs_relocation_subset_free(struct ebs_relocation_subset *subset);

#endif
