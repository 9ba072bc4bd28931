// SPDX-License-Identifier: GPL-2.0-only
// BTF types to layouts.
#include "types/layout.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "types/types_private.h"

struct ebs_types {
	struct btf *btf; // own copy: layouts outlive the object that they came with
	struct ebs_layout *
		*layouts; // by type id, then those of what is stored; NULL until asked for
	uint32_t count;
	unsigned depth; // of the type that is being laid out
};

// Types that go deeper than this are taken for broken: they could contain themselves.
#define MAX_DEPTH  64
#define MAX_FIELDS 65536 // of one record; BTF can't count more members
// Bytes of a type, and where a field ends: no map or event is as large, and sums of two fit 32
// bits.
#define LARGEST INT32_MAX

static uint64_t last_serial;

static void free_layout(struct ebs_layout *layout)
{
	free(layout->name);
	free(layout->fields);
	free(layout->pinned);
	free(layout);
}

void ebs_types_free(struct ebs_types *types)
{
	if (!types)
		return;
	for (uint32_t i = 0; types->layouts && i < types->count * 2; i++) {
		if (!types->layouts[i])
			continue;
		free_layout(types->layouts[i]);
	}
	free(types->layouts);
	btf__free(types->btf);
	free(types);
}

struct ebs_types *ebs_types_new(const struct btf *btf)
{
	struct ebs_types *types = calloc(1, sizeof(*types));
	if (!types)
		return NULL;
	uint32_t size;
	const void *bytes = btf__raw_data(btf, &size);
	types->btf = bytes ? btf__new(bytes, size) : NULL;
	if (types->btf) {
		types->count = btf__type_cnt(types->btf);
		types->layouts = calloc(types->count * 2, sizeof(*types->layouts));
	}
	if (!types->layouts) {
		ebs_types_free(types);
		return NULL;
	}
	return types;
}

struct ebs_types *ebs_types_from_kernel(uint32_t btf_id)
{
	struct btf *btf = btf__load_from_kernel_by_id(btf_id);
	struct ebs_types *types = btf ? ebs_types_new(btf) : NULL;
	int number = errno;

	btf__free(btf);
	errno = number;
	return types;
}

size_t ebs_types_size(const struct ebs_types *types)
{
	uint32_t size = 0;

	btf__raw_data(types->btf, &size);
	return size;
}

const struct btf *ebs_types_btf(const struct ebs_types *types)
{
	return types->btf;
}

// The type behind qualifiers, typedefs and tags; NULL when there is none.
static const struct btf_type *resolve(const struct ebs_types *types, uint32_t *id)
{
	const struct btf_type *type = btf__type_by_id(types->btf, *id);

	for (int depth = 0; depth < MAX_DEPTH; depth++) {
		if (!type || !(btf_is_mod(type) || btf_is_typedef(type) ||
			       btf_kind(type) == BTF_KIND_TYPE_TAG))
			return type;
		*id = type->type;
		type = btf__type_by_id(types->btf, *id);
	}
	return NULL;
}

static const char *string(const struct ebs_types *types, uint32_t offset)
{
	const char *text = btf__name_by_offset(types->btf, offset);

	return text ? text : "";
}

// The name in C.
static void append_name(const struct ebs_types *types, uint32_t id, unsigned depth,
			struct ebs_buffer *out)
{
	const struct btf_type *type = btf__type_by_id(types->btf, id);

	for (; type && btf_is_mod(type) && depth < MAX_DEPTH; depth++)
		type = btf__type_by_id(types->btf, type->type);
	if (!type || depth >= MAX_DEPTH || btf_kind(type) == BTF_KIND_UNKN) {
		ebs_buffer_append_string(out, "void");
		return;
	}

	const char *name = string(types, type->name_off);
	const char *tag = "";
	if (btf_is_struct(type))
		tag = "struct ";
	else if (btf_is_union(type))
		tag = "union ";
	else if (btf_is_any_enum(type))
		tag = "enum ";
	if (btf_is_ptr(type)) {
		append_name(types, type->type, depth + 1, out);
		ebs_buffer_append_string(out, " *");
	} else if (btf_is_array(type)) {
		append_name(types, btf_array(type)->type, depth + 1, out);
		ebs_buffer_printf(out, "[%u]", btf_array(type)->nelems);
	} else if (btf_is_func_proto(type)) {
		ebs_buffer_append_string(out, "function");
	} else {
		ebs_buffer_printf(out, "%s%s", tag, *name ? name : "(anonymous)");
	}
}

static struct ebs_layout *scalar_layout(const struct btf_type *type, struct ebs_layout *layout)
{
	bool plain_size =
		layout->size == 1 || layout->size == 2 || layout->size == 4 || layout->size == 8;

	layout->kind = EBS_BYTES;
	if (btf_is_ptr(type)) {
		layout->size = 8;
		layout->kind = EBS_UNSIGNED;
	} else if (btf_is_float(type) && (layout->size == 4 || layout->size == 8)) {
		layout->kind = EBS_FLOAT;
	} else if (btf_is_int(type)) {
		int encoding = btf_int_encoding(type);

		layout->is_signed = encoding & BTF_INT_SIGNED;
		if (!plain_size)
			return layout;
		if (encoding & BTF_INT_BOOL)
			layout->kind = EBS_BOOL;
		else
			layout->kind = encoding & BTF_INT_SIGNED ? EBS_SIGNED : EBS_UNSIGNED;
	} else if (btf_is_any_enum(type) && plain_size) {
		layout->kind = btf_kflag(type) ? EBS_SIGNED : EBS_UNSIGNED;
		// LLVM 14 didn't write the flag: negative values tell, or those from 2^31 on.
		for (int i = 0; EBS_LLVM_MAJOR < 15 && btf_is_enum(type) && i < btf_vlen(type); i++)
			if (btf_enum(type)[i].val < 0)
				layout->kind = EBS_SIGNED;
	}
	return layout;
}

static int too_large(const struct ebs_layout *layout, struct ebs_error *error)
{
	return ebs_error_set(error, "EINVAL", "the type %s is too large", layout->name);
}

static const struct ebs_layout *lay_out(struct ebs_types *types, uint32_t type_id, bool stored,
					struct ebs_error *error);

static int array_layout(struct ebs_types *types, const struct btf_type *type,
			struct ebs_layout *layout, struct ebs_error *error)
{
	const struct btf_array *array = btf_array(type);
	const struct ebs_layout *element = lay_out(types, array->type, layout->stored, error);
	if (!element)
		return -EINVAL;

	uint32_t base_id = array->type;
	const struct btf_type *base = resolve(types, &base_id);
	const char *base_name = string(types, base->name_off);

	layout->kind = EBS_ARRAY;
	layout->element = element;
	layout->count = element->size ? array->nelems : 0; // of nothing, there are any number
	layout->flexible = array->nelems == 0;
	if ((uint64_t)element->size * array->nelems > LARGEST)
		return too_large(layout, error);
	layout->size = element->size * array->nelems;
	if (btf_is_int(base) && element->size == 1) {
		if (strcmp(base_name, "char") == 0)
			layout->kind = EBS_STRING;
		else if (element->kind == EBS_UNSIGNED)
			layout->kind = EBS_BYTES;
	}
	return 0;
}

static int add_field(struct ebs_layout *layout, struct ebs_field field)
{
	// Anonymous members can be nested so that they double their fields again and again.
	if (layout->field_count >= MAX_FIELDS)
		return -E2BIG;
	if ((uint64_t)field.offset + field.layout->size > LARGEST)
		return -EOVERFLOW;
	struct ebs_field *fields =
		reallocarray(layout->fields, layout->field_count + 1, sizeof(*fields));
	if (!fields)
		return -ENOMEM;
	layout->fields = fields;
	layout->fields[layout->field_count++] = field;
	return 0;
}

// Old BTF describes a bitfield by an integer type that has fewer bits than its size.
static uint32_t bitfield_bits(const struct ebs_types *types, const struct btf_type *record,
			      uint32_t index, uint32_t *bit_offset)
{
	const struct btf_member *member = btf_members(record) + index;
	uint32_t bits = btf_member_bitfield_size(record, index);
	uint32_t id = member->type;
	const struct btf_type *type = resolve(types, &id);

	*bit_offset = btf_member_bit_offset(record, index);
	if (bits || !type || !btf_is_int(type) || btf_kflag(record))
		return bits;
	*bit_offset += btf_int_offset(type);
	if (btf_int_bits(type) != type->size * 8 || *bit_offset % 8)
		return btf_int_bits(type);
	return 0;
}

static int record_layout(struct ebs_types *types, const struct btf_type *type,
			 struct ebs_layout *layout, struct ebs_error *error)
{
	layout->kind = EBS_RECORD;
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = btf_members(type) + i;
		const char *name = string(types, member->name_off);
		const struct ebs_layout *inner =
			lay_out(types, member->type, layout->stored, error);
		if (!inner)
			return -EINVAL;

		uint32_t bit_offset;
		uint32_t bits = bitfield_bits(types, type, i, &bit_offset);
		struct ebs_field field = {
			.name = name,
			.layout = inner,
			.offset = bit_offset / 8,
			.bit_size = bits,
			.bit_offset = bits ? bit_offset % 8 : 0,
		};
		int result = 0;
		bool wide = inner->kind == EBS_BYTES && inner->size == 16; // __int128
		if (bits > (wide ? 128 : 64))
			return ebs_error_set(error, "EINVAL", "the bitfield %s of %s is too wide",
					     name, layout->name);
		if (*name)
			result = add_field(layout, field);
		else if (inner->kind == EBS_RECORD)
			for (uint32_t j = 0; j < inner->field_count && !result; j++) {
				struct ebs_field lifted = inner->fields[j];

				lifted.offset += field.offset;
				result = add_field(layout, lifted);
			}
		if (result == -EOVERFLOW)
			return too_large(layout, error);
		if (result)
			return ebs_error_errno(error, result, "can't lay out %s", layout->name);
		layout->flexible |= inner->flexible;
	}
	layout->pinned = ebs_pinned_names_new(layout->field_count);
	return layout->pinned ? 0
			      : ebs_error_errno(error, ENOMEM, "can't lay out %s", layout->name);
}

static const struct ebs_layout *lay_out(struct ebs_types *types, uint32_t type_id, bool stored,
					struct ebs_error *error)
{
	uint32_t id = type_id;
	const struct btf_type *type = resolve(types, &id);

	if (type_id >= types->count || !type) {
		ebs_error_set(error, "EINVAL", "the object's BTF has no type %u", type_id);
		return NULL;
	}
	struct ebs_layout **place = &types->layouts[type_id + (stored ? types->count : 0)];
	if (*place)
		return *place;
	if (types->depth >= MAX_DEPTH) {
		ebs_error_set(error, "EINVAL",
			      "the type %u of the object's BTF is nested too deeply", type_id);
		return NULL;
	}

	struct ebs_buffer name = { 0 };
	append_name(types, type_id, 0, &name);
	struct ebs_layout *layout = calloc(1, sizeof(*layout));
	if (!layout || name.failed) {
		ebs_buffer_free(&name);
		free(layout);
		ebs_error_errno(error, ENOMEM, "can't lay out a type");
		return NULL;
	}
	layout->name = ebs_buffer_take(&name);
	layout->type_id = id;
	layout->types = types;
	layout->serial = ++last_serial;
	layout->stored = stored;

	int result = 0;
	int64_t size = btf__resolve_size(types->btf, id);
	layout->size = size > 0 ? size : 0;
	types->depth++;
	if (size > LARGEST)
		result = too_large(layout, error);
	else if (btf_is_composite(type))
		result = record_layout(types, type, layout, error);
	else if (btf_is_array(type))
		result = array_layout(types, type, layout, error);
	else
		scalar_layout(type, layout);
	types->depth--;
	if (result) {
		free_layout(layout);
		return NULL;
	}
	*place = layout;
	return layout;
}

const struct ebs_layout *ebs_types_layout(struct ebs_types *types, uint32_t type_id,
					  struct ebs_error *error)
{
	return lay_out(types, type_id, false, error);
}

const struct ebs_layout *ebs_types_stored_layout(struct ebs_types *types, uint32_t type_id,
						 struct ebs_error *error)
{
	return lay_out(types, type_id, true, error);
}

uint32_t ebs_types_find(struct ebs_types *types, const char *name)
{
	static const struct {
		const char *tag;
		uint32_t kinds[2];
	} spellings[] = {
		{ "struct ", { BTF_KIND_STRUCT, BTF_KIND_STRUCT } },
		{ "union ", { BTF_KIND_UNION, BTF_KIND_UNION } },
		{ "enum ", { BTF_KIND_ENUM, BTF_KIND_ENUM64 } },
		{ "", { BTF_KIND_TYPEDEF, BTF_KIND_INT } },
		{ "", { BTF_KIND_STRUCT, BTF_KIND_UNION } },
		{ "", { BTF_KIND_ENUM, BTF_KIND_ENUM64 } },
	};

	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		size_t length = strlen(spellings[i].tag);

		if (strncmp(name, spellings[i].tag, length))
			continue;
		for (int j = 0; j < 2; j++) {
			int id = btf__find_by_name_kind(types->btf, name + length,
							spellings[i].kinds[j]);

			if (id > 0)
				return id;
		}
	}
	return 0;
}

const char *ebs_types_enumerator(struct ebs_types *types, uint32_t type_id, uint32_t index,
				 int64_t *value)
{
	const struct btf_type *type = resolve(types, &type_id);

	if (!type || !btf_is_any_enum(type) || index >= btf_vlen(type))
		return NULL;
	if (btf_is_enum64(type)) {
		const struct btf_enum64 *enumerator = btf_enum64(type) + index;

		*value = (int64_t)btf_enum64_value(enumerator);
		return string(types, enumerator->name_off);
	}
	if (type->size > 4) // a compiler before enum64 cut the values
		return NULL;
	const struct btf_enum *enumerator = btf_enum(type) + index;
	const struct ebs_layout *layout = ebs_types_layout(types, type_id, NULL);

	*value = layout && layout->kind == EBS_SIGNED ? enumerator->val
						      : (int64_t)(uint32_t)enumerator->val;
	return string(types, enumerator->name_off);
}
