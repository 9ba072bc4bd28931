// SPDX-License-Identifier: GPL-2.0-only
// What libbpf takes for granted of types: that they end, that what is inside of others has a size,
// and that structs are filled.
#include "types/closure.h"

#include <errno.h>
#include <stdlib.h>

// A type behind a pointer is another matter than the type itself: a typedef may well lead to a
// struct that has a pointer to the typedef.
enum {
	VISITING = 1,
	VISITING_BEHIND = 2,
	DONE = 4,
	DONE_BEHIND = 8,
	DEEPEST = 256, // calls
};

// Bytes. The kernel's largest types, and its gaps for the sake of alignment, are far below.
#define LARGEST      INT64_C(0x8000000)
#define LARGEST_GAP  UINT64_C(0x40000)
#define LARGEST_STUB UINT64_C(0x400000)

struct check {
	const struct ebs_btf_blob *blob;
	uint8_t *states; // by id
};

// Bytes. Of what is larger than LARGEST, LARGEST + 1; -1 when nothing can be of this type: libbpf
// divides by its alignment.
static int64_t size_of(const struct ebs_btf_blob *blob, uint32_t id)
{
	uint64_t count = 1;

	for (int i = 0; i < 32 && id > 0 && id < blob->count; i++) {
		const struct btf_type *type = ebs_btf_type(blob, id);
		const struct btf_array *array = ebs_btf_details(type);
		uint64_t size = type->size;

		switch (ebs_btf_kind(type)) {
		case BTF_KIND_PTR:
			size = 8;
			break;
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			break;
		case BTF_KIND_INT:
		case BTF_KIND_FLOAT:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			if (size != 1 && size != 2 && size != 4 && size != 8 && size != 12 &&
			    size != 16)
				return -1;
			break;
		case BTF_KIND_ARRAY:
			count *= array->nelems;
			count = count > LARGEST ? LARGEST + 1 : count;
			id = ebs_btf_behind(type);
			continue;
		default:
			id = ebs_btf_behind(type);
			continue;
		}
		return size * count > LARGEST ? LARGEST + 1 : size * count;
	}
	return -1;
}

// libbpf counts bits in an int, and writes a line for every eight bytes that no member covers.
static bool has_plausible_gaps(const struct ebs_btf_blob *blob, const struct btf_type *type)
{
	const struct btf_member *members = ebs_btf_details(type);
	bool kind_flag = ebs_btf_kind_flag(type);
	uint64_t end = 0; // bits

	if (type->size > LARGEST)
		return false;
	for (uint32_t i = 0; i < ebs_btf_vlen(type); i++) {
		uint64_t begin =
			kind_flag ? BTF_MEMBER_BIT_OFFSET(members[i].offset) : members[i].offset;
		int64_t size = size_of(blob, members[i].type);

		if (size < 0 || size > LARGEST || begin > end + LARGEST_GAP * 8)
			return false;
		end = begin + (uint64_t)size * 8;
	}
	// Of a type that only its name was wanted of, no members are left.
	uint64_t rest = ebs_btf_vlen(type) ? LARGEST_GAP : LARGEST_STUB;
	return ebs_btf_kind(type) == BTF_KIND_UNION || type->size <= end / 8 + rest;
}

// The walk is that of libbpf's dump: it ends at pointers to structs and unions that have a name.
static int walk(struct check *check, uint32_t id, bool behind, int depth)
{
	if (id == 0)
		return 0;
	if (id >= check->blob->count || depth > DEEPEST)
		return -ELOOP;

	const struct btf_type *type = ebs_btf_type(check->blob, id);
	uint32_t vlen = ebs_btf_vlen(type);
	uint8_t *state = &check->states[id];
	uint8_t visiting = behind ? VISITING_BEHIND : VISITING;
	uint8_t done = behind ? DONE_BEHIND : DONE;
	int result = 0;
	if (*state & (done | DONE))
		return 0;
	if (behind && ebs_btf_is_record(type) && type->name_off)
		return 0;
	if (*state & visiting)
		return -ELOOP;

	*state |= visiting;
	switch (ebs_btf_kind(type)) {
	case BTF_KIND_PTR:
		result = walk(check, type->type, true, depth + 1);
		break;
	case BTF_KIND_ARRAY: {
		const struct btf_array *array = ebs_btf_details(type);

		result = size_of(check->blob, array->type) >= 0 ? 0 : -EINVAL;
		if (!result)
			result = walk(check, array->type, false, depth + 1);
		if (!result)
			result = walk(check, array->index_type, false, depth + 1);
		break;
	}
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION: {
		const struct btf_member *members = ebs_btf_details(type);

		result = has_plausible_gaps(check->blob, type) ? 0 : -EINVAL;
		for (uint32_t i = 0; i < vlen && !result; i++)
			result = walk(check, members[i].type, false, depth + 1);
		break;
	}
	case BTF_KIND_FUNC_PROTO: {
		const struct btf_param *params = ebs_btf_details(type);

		result = walk(check, type->type, behind, depth + 1);
		for (uint32_t i = 0; i < vlen && !result; i++)
			result = walk(check, params[i].type, behind, depth + 1);
		break;
	}
	default: // 0 is void, which is done at once
		result = walk(check, ebs_btf_behind(type), behind, depth + 1);
	}
	*state = (*state & ~visiting) | done;
	return result;
}

int ebs_btf_check(const struct ebs_btf_blob *blob)
{
	struct check check = { .blob = blob, .states = calloc(blob->count, 1) };
	int result = 0;

	if (!check.states)
		return -ENOMEM;
	for (uint32_t id = 1; id < blob->count && !result; id++)
		result = walk(&check, id, false, 0);
	free(check.states);
	return result;
}
