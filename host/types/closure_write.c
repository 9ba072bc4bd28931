// SPDX-License-Identifier: GPL-2.0-only
// Writes the chosen types as BTF of its own.
#include "types/closure.h"

#include <errno.h>
#include <stdlib.h>

#include "types/tokens.h"

// What follows a name that the C has taken itself. libbpf takes it for a flavor: for relocations it
// is still the kernel's name.
#define KERNELS "___kernel"

enum { SLOTS = 1024 };

struct tag {
	uint32_t name; // place in the old strings
	uint32_t id;   // new one of the struct, union, enum or forward declaration
	uint32_t kind; // struct and union only: what a forward declaration must agree with
	struct tag *next;
};

struct writer {
	const struct ebs_closure *closure;
	const struct ebs_btf_blob *blob;
	struct ebs_buffer types;
	struct ebs_buffer strings;
	uint32_t *ids;    // new ones by old ones
	struct tag *tags; // `tag_count`, chained by `slots`
	size_t tag_count;
	struct tag *slots[SLOTS];
	int result;
};

static bool is_stub(const struct writer *writer, uint32_t id)
{
	return writer->closure->parts[id] == EBS_PART_STUB &&
	       ebs_btf_is_record(ebs_btf_type(writer->blob, id));
}

static bool is_text(const struct writer *writer)
{
	return writer->closure->followed;
}

// Whether it is a forward declaration in C text.
static bool is_forward(const struct writer *writer, uint32_t id)
{
	return is_text(writer) && (is_stub(writer, id) ||
				   ebs_btf_kind(ebs_btf_type(writer->blob, id)) == BTF_KIND_FWD);
}

static struct tag *find_tag(const struct writer *writer, uint32_t name)
{
	struct tag *tag = writer->slots[name % SLOTS];

	while (tag && tag->name != name)
		tag = tag->next;
	return tag;
}

static void add_tag(struct writer *writer, uint32_t name, uint32_t id, uint32_t kind)
{
	struct tag *tag = &writer->tags[writer->tag_count++];

	*tag = (struct tag){ name, id, kind, writer->slots[name % SLOTS] };
	writer->slots[name % SLOTS] = tag;
}

// Numbers the types, so that those written first can refer to later ones. In C text all forward
// declarations of a name are one, and where there is the type itself they are that. A name that
// belongs to another kind too can't be declared: pointers to it become void *.
static int number_types(struct writer *writer)
{
	uint32_t next = 1, count = 0;

	for (uint32_t id = 1; id < writer->blob->count; id++)
		count += writer->closure->parts[id] != EBS_PART_NONE;
	writer->ids = calloc(writer->blob->count, sizeof(*writer->ids));
	writer->tags = calloc(count + 1, sizeof(*writer->tags));
	if (!writer->ids || !writer->tags)
		return -ENOMEM;

	for (uint32_t id = 1; id < writer->blob->count; id++) {
		if (!writer->closure->parts[id])
			continue;
		const struct btf_type *type = ebs_btf_type(writer->blob, id);
		uint32_t kind = ebs_btf_kind(type);

		if (is_forward(writer, id))
			continue;
		writer->ids[id] = next++;
		if (type->name_off && (ebs_btf_is_record(type) || ebs_btf_is_enum(type)) &&
		    !find_tag(writer, type->name_off))
			add_tag(writer, type->name_off, writer->ids[id], kind);
	}
	for (uint32_t id = 1; is_text(writer) && id < writer->blob->count; id++) {
		if (!writer->closure->parts[id] || writer->ids[id])
			continue;
		const struct btf_type *type = ebs_btf_type(writer->blob, id);
		uint32_t kind = ebs_btf_kind(type);
		if (kind == BTF_KIND_FWD)
			kind = ebs_btf_kind_flag(type) ? BTF_KIND_UNION : BTF_KIND_STRUCT;
		const struct tag *tag = find_tag(writer, type->name_off);
		if (!tag) {
			writer->ids[id] = next++;
			add_tag(writer, type->name_off, writer->ids[id], kind);
		} else if (tag->kind == kind) {
			writer->ids[id] = tag->id;
		}
	}
	return 0;
}

// The place of a name in the new strings.
static uint32_t take_name(struct writer *writer, uint32_t old, uint32_t own)
{
	const char *name = ebs_btf_string(writer->blob, old);
	uint32_t place = writer->strings.size;

	if (old >= writer->blob->string_size)
		writer->result = -EINVAL;
	if (!*name)
		return 0;
	const struct ebs_name *found =
		own && is_text(writer) ? ebs_names_find(writer->closure->followed, name) : NULL;
	ebs_buffer_append_string(&writer->strings, name);
	if (found && found->flags & own)
		ebs_buffer_append_string(&writer->strings, KERNELS);
	ebs_buffer_append_char(&writer->strings, '\0');
	return place;
}

static uint32_t own_flag(const struct btf_type *type)
{
	switch (ebs_btf_kind(type)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_FWD:
		return EBS_NAME_OWN_TAG;
	case BTF_KIND_TYPEDEF:
		return EBS_NAME_OWN;
	default:
		return 0;
	}
}

static uint32_t new_id(struct writer *writer, uint32_t id)
{
	if (id < writer->blob->count)
		return writer->ids[id];
	writer->result = -EINVAL;
	return 0;
}

static void append(struct writer *writer, const void *data, size_t size)
{
	ebs_buffer_append(&writer->types, data, size);
}

// No place outside of the type: libbpf would write down the holes between members one by one.
static void write_members(struct writer *writer, const struct btf_type *type)
{
	const struct btf_member *members = ebs_btf_details(type);
	bool kflag = ebs_btf_kind_flag(type);
	enum { LARGEST = 1 << 26 };

	for (uint32_t i = 0; i < ebs_btf_vlen(type); i++) {
		struct btf_member member = members[i];
		uint32_t bits = kflag ? BTF_MEMBER_BIT_OFFSET(member.offset) : member.offset;

		if (bits > (uint64_t)type->size * 8 || type->size > LARGEST)
			writer->result = -EINVAL;
		member.name_off = take_name(writer, member.name_off, 0);
		member.type = new_id(writer, member.type);
		append(writer, &member, EBS_BTF_MEMBER_BYTES);
	}
}

static void write_details(struct writer *writer, const struct btf_type *type)
{
	uint32_t vlen = ebs_btf_vlen(type);

	switch (ebs_btf_kind(type)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		write_members(writer, type);
		break;
	case BTF_KIND_ENUM:
		for (uint32_t i = 0; i < vlen; i++) {
			struct btf_enum value = ((const struct btf_enum *)ebs_btf_details(type))[i];

			value.name_off = take_name(writer, value.name_off, EBS_NAME_OWN);
			append(writer, &value, EBS_BTF_ENUM_BYTES);
		}
		break;
	case BTF_KIND_ENUM64:
		for (uint32_t i = 0; i < vlen; i++) {
			struct btf_enum64 value =
				((const struct btf_enum64 *)ebs_btf_details(type))[i];

			value.name_off = take_name(writer, value.name_off, EBS_NAME_OWN);
			append(writer, &value, EBS_BTF_ENUM64_BYTES);
		}
		break;
	case BTF_KIND_ARRAY: {
		struct btf_array array = *(const struct btf_array *)ebs_btf_details(type);

		array.type = new_id(writer, array.type);
		array.index_type = new_id(writer, array.index_type);
		append(writer, &array, EBS_BTF_ARRAY_BYTES);
		break;
	}
	case BTF_KIND_FUNC_PROTO:
		for (uint32_t i = 0; i < vlen; i++) {
			struct btf_param param =
				((const struct btf_param *)ebs_btf_details(type))[i];

			param.name_off = take_name(writer, param.name_off, 0);
			param.type = new_id(writer, param.type);
			append(writer, &param, EBS_BTF_PARAM_BYTES);
		}
		break;
	case BTF_KIND_INT:
		append(writer, ebs_btf_details(type), EBS_BTF_INT_BYTES);
		break;
	}
}

static bool has_size(const struct btf_type *type)
{
	uint32_t kind = ebs_btf_kind(type);

	return ebs_btf_is_record(type) || ebs_btf_is_enum(type) || kind == BTF_KIND_INT ||
	       kind == BTF_KIND_FLOAT;
}

static void write_type(struct writer *writer, uint32_t id)
{
	const struct btf_type *type = ebs_btf_type(writer->blob, id);
	struct btf_type copy = *type;

	copy.name_off = take_name(writer, type->name_off, own_flag(type));
	if (is_stub(writer, id)) {
		uint32_t kind = ebs_btf_kind(type);
		uint32_t is_union = kind == BTF_KIND_UNION;

		copy.info = kind << 24;
		if (is_text(writer)) {
			copy.info = is_union << 31 | BTF_KIND_FWD << 24;
			copy.type = 0;
		}
		append(writer, &copy, EBS_BTF_TYPE_BYTES);
		return;
	}
	// The word is the size of those that have one; that of an array and a FWD is nothing.
	if (!has_size(type) && type->type)
		copy.type = new_id(writer, type->type);
	append(writer, &copy, EBS_BTF_TYPE_BYTES);
	write_details(writer, type);
}

static void write_types(struct writer *writer)
{
	uint32_t written = 0;

	// In the order of their new ids, which several forward declarations may share.
	for (int forward = 0; forward < 2; forward++)
		for (uint32_t id = 1; id < writer->blob->count && !writer->result; id++)
			if (writer->ids[id] == written + 1 && is_forward(writer, id) == forward) {
				written++;
				write_type(writer, id);
			}
}

static int check(const struct ebs_buffer *bytes)
{
	struct ebs_btf_blob blob;
	int result = ebs_btf_blob_view(&blob, bytes->data, bytes->size, "", NULL);

	if (result)
		return result;
	result = ebs_btf_check(&blob);
	ebs_btf_blob_close(&blob);
	return result;
}

int ebs_closure_write(const struct ebs_closure *closure, struct ebs_buffer *out)
{
	struct writer writer = { .closure = closure, .blob = closure->blob };

	ebs_buffer_append_char(&writer.strings, '\0');
	int result = number_types(&writer);
	if (result)
		goto free_writer;
	write_types(&writer);
	result = writer.result;
	if (writer.types.failed || writer.strings.failed)
		result = -ENOMEM;
	if (result)
		goto free_writer;

	struct ebs_btf_header header = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.header_size = EBS_BTF_HEADER_BYTES,
		.type_size = writer.types.size,
		.string_place = writer.types.size,
		.string_size = writer.strings.size,
	};
	ebs_buffer_append(out, &header, EBS_BTF_HEADER_BYTES);
	ebs_buffer_append(out, writer.types.data, writer.types.size);
	ebs_buffer_append(out, writer.strings.data, writer.strings.size);
	result = out->failed ? -ENOMEM : check(out);

free_writer:
	ebs_buffer_free(&writer.types);
	ebs_buffer_free(&writer.strings);
	free(writer.ids);
	free(writer.tags);
	return result;
}
