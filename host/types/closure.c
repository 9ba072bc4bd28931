// SPDX-License-Identifier: GPL-2.0-only
// What of some BTF belongs together.
#include "types/closure.h"

#include <errno.h>
#include <stdlib.h>

int ebs_closure_begin(struct ebs_closure *closure, const struct ebs_btf_blob *blob,
		      const struct ebs_names *followed)
{
	*closure = (struct ebs_closure){ .blob = blob, .followed = followed };
	closure->parts = calloc(blob->count, 1);
	return closure->parts ? 0 : -ENOMEM;
}

void ebs_closure_end(struct ebs_closure *closure)
{
	free(closure->parts);
	free(closure->waiting);
	*closure = (struct ebs_closure){ 0 };
}

// A list, not a function that calls itself: broken BTF can refer from type to type without end.
static void need(struct ebs_closure *closure, uint32_t id, enum ebs_part part)
{
	if (id >= closure->blob->count)
		closure->result = closure->result ? closure->result : -EINVAL;
	if (closure->result || id == 0 || closure->parts[id] >= part)
		return;
	if (closure->waiting_count == closure->waiting_capacity) {
		size_t capacity = closure->waiting_capacity ? closure->waiting_capacity * 2 : 256;
		struct ebs_closure_item *waiting =
			reallocarray(closure->waiting, capacity, sizeof(*waiting));
		if (!waiting) {
			closure->result = -ENOMEM;
			return;
		}
		closure->waiting = waiting;
		closure->waiting_capacity = capacity;
	}
	closure->parts[id] = part;
	closure->waiting[closure->waiting_count++] = (struct ebs_closure_item){ id, part };
}

void ebs_closure_add(struct ebs_closure *closure, uint32_t id)
{
	need(closure, id, EBS_PART_WHOLE);
}

void ebs_closure_follow(struct ebs_closure *closure, uint32_t id)
{
	// Longer chains than this aren't C's, and might be loops.
	for (int i = 0; i < 32 && id > 0 && id < closure->blob->count; i++) {
		const struct btf_type *type = ebs_btf_type(closure->blob, id);

		if (ebs_btf_is_record(type))
			need(closure, id, EBS_PART_WHOLE);
		id = ebs_btf_kind(type) == BTF_KIND_PTR ? type->type : ebs_btf_behind(type);
	}
}

static void visit_members(struct ebs_closure *closure, const struct btf_type *type)
{
	const struct btf_member *members = ebs_btf_details(type);

	for (uint32_t i = 0; i < ebs_btf_vlen(type); i++) {
		const char *name = ebs_btf_string(closure->blob, members[i].name_off);

		need(closure, members[i].type, EBS_PART_WHOLE);
		if (closure->followed && (!*name || ebs_names_find(closure->followed, name)))
			ebs_closure_follow(closure, members[i].type);
	}
}

static void visit(struct ebs_closure *closure, struct ebs_closure_item item)
{
	const struct btf_type *type = ebs_btf_type(closure->blob, item.id);
	bool text = closure->followed;

	switch (ebs_btf_kind(type)) {
	case BTF_KIND_PTR:
		need(closure, type->type, EBS_PART_STUB);
		break;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		need(closure, type->type, item.part);
		break;
	case BTF_KIND_ARRAY: {
		const struct btf_array *array = ebs_btf_details(type);

		// C has no array of what it doesn't know.
		need(closure, array->type, text ? EBS_PART_WHOLE : item.part);
		need(closure, array->index_type, EBS_PART_STUB);
		break;
	}
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (item.part == EBS_PART_STUB && text && !type->name_off) // can't be declared
			need(closure, item.id, EBS_PART_WHOLE);
		else if (item.part == EBS_PART_WHOLE)
			visit_members(closure, type);
		break;
	case BTF_KIND_FUNC_PROTO: {
		const struct btf_param *params = ebs_btf_details(type);
		enum ebs_part part = text ? EBS_PART_STUB : item.part;

		need(closure, type->type, part);
		for (uint32_t i = 0; i < ebs_btf_vlen(type); i++)
			need(closure, params[i].type, part);
		break;
	}
	case BTF_KIND_FUNC: // chosen, as nothing refers to a function
		if (!text)
			closure->result = -EINVAL;
		need(closure, type->type, EBS_PART_WHOLE);
		break;
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_FWD:
		break;
	default: // a variable, which nothing can be made of
		closure->result = -EINVAL;
	}
}

int ebs_closure_complete(struct ebs_closure *closure)
{
	while (!closure->result && closure->waiting_count)
		visit(closure, closure->waiting[--closure->waiting_count]);
	return closure->result;
}
