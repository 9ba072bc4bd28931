// SPDX-License-Identifier: GPL-2.0-only
// Whether the kernel's BTF has a type, a field, an enumerator.
#include "types/kernel_has.h"

#include <string.h>

enum { DEEPEST = 32 }; // anonymous members in each other, typedefs of typedefs

// A name of `length` characters, and the kinds that it can stand for.
struct wanted {
	const char *name;
	size_t length;
	uint32_t kinds; // bits of BTF_KIND_*
};

#define BIT(kind) (1u << (kind))
#define RECORDS   (BIT(BTF_KIND_STRUCT) | BIT(BTF_KIND_UNION))
#define ENUMS     (BIT(BTF_KIND_ENUM) | BIT(BTF_KIND_ENUM64))

static struct wanted parse_name(const char *text, size_t length)
{
	static const struct {
		const char *word;
		uint32_t kinds;
	} tags[] = {
		{ "struct ", BIT(BTF_KIND_STRUCT) },
		{ "union ", BIT(BTF_KIND_UNION) },
		{ "enum ", ENUMS },
	};

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		size_t tag = strlen(tags[i].word);

		if (length > tag && strncmp(text, tags[i].word, tag) == 0)
			return (struct wanted){ text + tag, length - tag, tags[i].kinds };
	}
	return (struct wanted){ text, length,
				RECORDS | ENUMS | BIT(BTF_KIND_TYPEDEF) | BIT(BTF_KIND_INT) };
}

static bool is_name(const char *name, const char *wanted, size_t length)
{
	return strncmp(name, wanted, length) == 0 && !name[length];
}

static bool is_wanted(const struct ebs_btf_blob *blob, const struct btf_type *type,
		      const struct wanted *wanted)
{
	return wanted->kinds & BIT(ebs_btf_kind(type)) &&
	       is_name(ebs_btf_string(blob, type->name_off), wanted->name, wanted->length);
}

bool ebs_btf_has_type(const struct ebs_btf_blob *blob, const char *name)
{
	struct wanted wanted = parse_name(name, strlen(name));

	for (uint32_t id = 1; id < blob->count; id++)
		if (is_wanted(blob, ebs_btf_type(blob, id), &wanted))
			return true;
	return false;
}

// The record that qualifiers, typedefs and arrays lead to, or NULL.
static const struct btf_type *find_record(const struct ebs_btf_blob *blob, uint32_t id)
{
	for (int depth = 0; depth < DEEPEST && id && id < blob->count; depth++) {
		const struct btf_type *type = ebs_btf_type(blob, id);

		switch (ebs_btf_kind(type)) {
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			return type;
		case BTF_KIND_ARRAY:
			id = ((const struct btf_array *)ebs_btf_details(type))->type;
			break;
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_CONST:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = type->type;
			break;
		default:
			return NULL;
		}
	}
	return NULL;
}

static bool has_field(const struct ebs_btf_blob *blob, const struct btf_type *record,
		      const char *path, int depth)
{
	const struct btf_member *members = ebs_btf_details(record);
	size_t length = strcspn(path, ".");

	for (uint32_t i = 0; depth < DEEPEST && i < ebs_btf_vlen(record); i++) {
		const char *name = ebs_btf_string(blob, members[i].name_off);
		const struct btf_type *inner = NULL;

		if (!*name || (path[length] && is_name(name, path, length)))
			inner = find_record(blob, members[i].type);
		if (!path[length] && is_name(name, path, length))
			return true;
		if (inner && has_field(blob, inner, *name ? path + length + 1 : path, depth + 1))
			return true;
	}
	return false;
}

bool ebs_btf_has_field(const struct ebs_btf_blob *blob, const char *path)
{
	size_t length = strcspn(path, ".");
	struct wanted wanted = parse_name(path, length);

	for (uint32_t id = 1; path[length] && id < blob->count; id++) {
		const struct btf_type *type = ebs_btf_type(blob, id);
		if (!is_wanted(blob, type, &wanted))
			continue;
		const struct btf_type *record = find_record(blob, id);
		if (record && has_field(blob, record, path + length + 1, 0))
			return true;
	}
	return false;
}

bool ebs_btf_has_enumerator(const struct ebs_btf_blob *blob, const char *path)
{
	const char *dot = strchr(path, '.');
	const char *name = dot ? dot + 1 : path;
	struct wanted wanted = parse_name(path, dot ? (size_t)(dot - path) : 0);

	for (uint32_t id = 1; id < blob->count; id++) {
		const struct btf_type *type = ebs_btf_type(blob, id);
		if (!ebs_btf_is_enum(type) || (dot && !is_wanted(blob, type, &wanted)))
			continue;
		for (uint32_t i = 0; i < ebs_btf_vlen(type); i++)
			if (strcmp(ebs_btf_string(blob, ebs_btf_enumerator(type, i)), name) == 0)
				return true;
	}
	return false;
}
