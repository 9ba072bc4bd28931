// SPDX-License-Identifier: GPL-2.0-only
// The sizes and bits of BTF. The format is described in Linux's Documentation/bpf/btf.rst; structs
// in <linux/btf.h> are no measure of it, because they grow with the headers that are installed.
#ifndef EBS_TYPES_BTF_FORMAT_H
#define EBS_TYPES_BTF_FORMAT_H

#include <linux/btf.h>
#include <stdbool.h>
#include <stdint.h>

// The head that all versions have ("BTF Header"). `header_size` tells where the rest begins: Linux
// 7 adds two fields for sizes of kinds, which are not read here.
struct ebs_btf_header {
	uint16_t magic;
	uint8_t version;
	uint8_t flags;
	uint32_t header_size; // bytes, of this struct and what a newer version adds to it
	uint32_t type_place, type_size;     // bytes, from the header's end
	uint32_t string_place, string_size; // bytes, from the header's end
};

// Bytes ("Type Encoding"): of the part that all types share, and of what follows it by kind, once
// or for each member.
enum ebs_btf_bytes {
	EBS_BTF_HEADER_BYTES = 24,
	EBS_BTF_TYPE_BYTES = 12,
	EBS_BTF_INT_BYTES = 4,
	EBS_BTF_ARRAY_BYTES = 12,
	EBS_BTF_MEMBER_BYTES = 12,
	EBS_BTF_ENUM_BYTES = 8,
	EBS_BTF_ENUM64_BYTES = 12,
	EBS_BTF_PARAM_BYTES = 8,
	EBS_BTF_VAR_BYTES = 4,
	EBS_BTF_SECTION_VAR_BYTES = 12,
	EBS_BTF_DECL_TAG_BYTES = 4,
};

#define EBS_BTF_HAS_BYTES(type, bytes) _Static_assert(sizeof(type) == (bytes), "the format's bytes")

EBS_BTF_HAS_BYTES(struct ebs_btf_header, EBS_BTF_HEADER_BYTES);
// Of these there are arrays, so that no version of the format can add to them.
EBS_BTF_HAS_BYTES(struct btf_type, EBS_BTF_TYPE_BYTES);
EBS_BTF_HAS_BYTES(struct btf_member, EBS_BTF_MEMBER_BYTES);
EBS_BTF_HAS_BYTES(struct btf_enum, EBS_BTF_ENUM_BYTES);
EBS_BTF_HAS_BYTES(struct btf_enum64, EBS_BTF_ENUM64_BYTES);
EBS_BTF_HAS_BYTES(struct btf_param, EBS_BTF_PARAM_BYTES);

// One of BTF_KIND_*. Before Linux 7 the field had 5 bits, and the two above were 0.
static inline uint32_t ebs_btf_kind(const struct btf_type *type)
{
	return type->info >> 24 & 0x7f;
}

// How many members, enumerators, parameters or variables follow. Before Linux 7 the field had 16
// bits, and the eight above were 0.
static inline uint32_t ebs_btf_vlen(const struct btf_type *type)
{
	return type->info & 0xffffff;
}

// What the one bit above the kind means depends on the kind.
static inline bool ebs_btf_kind_flag(const struct btf_type *type)
{
	return type->info >> 31;
}

#endif
