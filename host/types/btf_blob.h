// SPDX-License-Identifier: GPL-2.0-only
// Raw access to BTF, without libbpf parsing it: the kernel's is large, and little of it is wanted.
#ifndef EBS_TYPES_BTF_BLOB_H
#define EBS_TYPES_BTF_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "types/btf_format.h"

struct ebs_btf_blob {
	const uint8_t *data; // all of it; the rest points into it
	size_t size;
	bool mapped; // `data` is a mapping, else from malloc()
	bool lent;   // `data` is the caller's
	const uint8_t *types;
	const char *strings; // the first and the last byte are 0
	uint32_t string_size;
	uint32_t *offsets; // by id, into `types`; that of 0, which is void, means nothing
	uint32_t count;    // of ids, 0 included
};

// Reads a file; one in sysfs is mapped where the kernel lets (Linux 6.16). Returns 0, or a negative
// errno with `error` filled; then there is nothing to close.
int ebs_btf_blob_open(struct ebs_btf_blob *blob, const char *path, struct ebs_error *error);

// Over the caller's bytes, which must stay; aligned to 4 bytes. `what` names them in messages.
int ebs_btf_blob_view(struct ebs_btf_blob *blob, const void *data, size_t size, const char *what,
		      struct ebs_error *error);
void ebs_btf_blob_close(struct ebs_btf_blob *blob);

// This, ebs_btf_string() and ebs_btf_details() are the only ways into a blob. Opening has made sure
// that each type lies inside of it with all its details, and the bytes don't change. Names are
// checked here; whoever goes to a type by another one's number checks that. `id` must be below
// `count`, and not 0.
static inline const struct btf_type *ebs_btf_type(const struct ebs_btf_blob *blob, uint32_t id)
{
	return (const struct btf_type *)(blob->types + blob->offsets[id]);
}

// "" for a place outside of the strings.
static inline const char *ebs_btf_string(const struct ebs_btf_blob *blob, uint32_t offset)
{
	return offset < blob->string_size ? blob->strings + offset : "";
}

// The same for struct and union, and for enumerators of either width.
static inline bool ebs_btf_is_record(const struct btf_type *type)
{
	return ebs_btf_kind(type) == BTF_KIND_STRUCT || ebs_btf_kind(type) == BTF_KIND_UNION;
}

static inline bool ebs_btf_is_enum(const struct btf_type *type)
{
	return ebs_btf_kind(type) == BTF_KIND_ENUM || ebs_btf_kind(type) == BTF_KIND_ENUM64;
}

// What follows the fixed part: struct btf_member[], btf_enum[], ...
static inline const void *ebs_btf_details(const struct btf_type *type)
{
	return (const uint8_t *)type + EBS_BTF_TYPE_BYTES;
}

// One step through qualifiers, typedefs, tags and arrays: the type behind. 0 for what is none of
// these, and for void.
static inline uint32_t ebs_btf_behind(const struct btf_type *type)
{
	switch (ebs_btf_kind(type)) {
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return type->type;
	case BTF_KIND_ARRAY:
		return ((const struct btf_array *)ebs_btf_details(type))->type;
	default:
		return 0;
	}
}

// The name of enumerator `index`, which is below the type's vlen.
static inline uint32_t ebs_btf_enumerator(const struct btf_type *type, uint32_t index)
{
	if (ebs_btf_kind(type) == BTF_KIND_ENUM64)
		return ((const struct btf_enum64 *)ebs_btf_details(type))[index].name_off;
	return ((const struct btf_enum *)ebs_btf_details(type))[index].name_off;
}

// Bytes that a type takes, fixed part included; 0 for a kind that isn't known.
uint32_t ebs_btf_type_size(const struct btf_type *type);

// The length of a name without its ___flavor, as libbpf understands it.
size_t ebs_btf_essential_length(const char *name, size_t length);

#endif
