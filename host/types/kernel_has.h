// SPDX-License-Identifier: GPL-2.0-only
// Whether the kernel's BTF has a type, a field, an enumerator.
#ifndef EBS_TYPES_KERNEL_HAS_H
#define EBS_TYPES_KERNEL_HAS_H

#include "types/btf_blob.h"

// "struct sk_buff", "union bpf_attr", "enum bpf_cmd", or a name alone, of a typedef too.
bool ebs_btf_has_type(const struct ebs_btf_blob *blob, const char *name);

// "task_struct.mm", "struct task_struct.se.vruntime"; what anonymous members have counts as their
// struct's own, and a pointer is not followed.
bool ebs_btf_has_field(const struct ebs_btf_blob *blob, const char *path);

// "BPF_MAP_TYPE_ARENA", or with the enum's name "bpf_map_type.BPF_MAP_TYPE_ARENA".
bool ebs_btf_has_enumerator(const struct ebs_btf_blob *blob, const char *path);

#endif
