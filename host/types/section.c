// SPDX-License-Identifier: GPL-2.0-only
// What the object's BTF tells about its data sections: global variables, the samples of ring
// buffers, and the records of iterators.
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <errno.h>
#include <string.h>

#include "types/layout.h"
#include "types/types_private.h"

static const struct btf_type *find_section(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_DATASEC);

	return id > 0 ? btf__type_by_id(btf, id) : NULL;
}

static bool is_named(const struct btf *btf, uint32_t offset, const char *name)
{
	const char *text = btf__name_by_offset(btf, offset);

	return text && strcmp(text, name) == 0;
}

int ebs_types_variables(struct ebs_types *types, const char *section,
			int (*visit)(void *context, const struct ebs_variable *variable),
			void *context, struct ebs_error *error)
{
	const struct btf *btf = ebs_types_btf(types);
	const struct btf_type *datasec = find_section(btf, section);

	for (int i = 0; datasec && i < btf_vlen(datasec); i++) {
		const struct btf_var_secinfo *info = btf_var_secinfos(datasec) + i;
		const struct btf_type *type = btf__type_by_id(btf, info->type);
		if (!type || !btf_is_var(type) || !btf__name_by_offset(btf, type->name_off))
			continue;

		struct ebs_variable variable = {
			.name = btf__name_by_offset(btf, type->name_off),
			.offset = info->offset,
			.layout = ebs_types_stored_layout(types, type->type, error),
		};
		if (!variable.layout)
			return -EINVAL;
		int result = visit(context, &variable);
		if (result)
			return result;
	}
	return 0;
}

// The struct that defines a map in section ".maps".
static const struct btf_type *map_definition(const struct btf *btf, const char *map)
{
	const struct btf_type *maps = find_section(btf, ".maps");

	for (int i = 0; maps && i < btf_vlen(maps); i++) {
		const struct btf_type *var = btf__type_by_id(btf, btf_var_secinfos(maps)[i].type);

		if (!var || !btf_is_var(var) || !is_named(btf, var->name_off, map))
			continue;
		int id = btf__resolve_type(btf, var->type);
		const struct btf_type *type = id > 0 ? btf__type_by_id(btf, id) : NULL;
		return type && btf_is_struct(type) ? type : NULL;
	}
	return NULL;
}

// What the member's pointer points to, qualifiers and typedefs looked through; NULL when there is
// no such member.
static const struct btf_type *pointee(const struct btf *btf, const struct btf_type *definition,
				      const char *member, uint32_t *id)
{
	for (int i = 0; i < btf_vlen(definition); i++) {
		const struct btf_member *candidate = btf_members(definition) + i;

		if (!is_named(btf, candidate->name_off, member))
			continue;
		const struct btf_type *type = btf__type_by_id(btf, candidate->type);
		if (!type || !btf_is_ptr(type))
			return NULL;
		*id = type->type;
		int resolved = btf__resolve_type(btf, type->type);
		return resolved > 0 ? btf__type_by_id(btf, resolved) : NULL;
	}
	return NULL;
}

// Is it a perf buffer? Then its values are numbers for the kernel's own use, where the C says so.
static bool has_kernel_values(const struct btf *btf, const struct btf_type *definition,
			      const struct ebs_layout *value)
{
	uint32_t id;
	const struct btf_type *array = pointee(btf, definition, "type", &id);

	return array && btf_is_array(array) &&
	       btf_array(array)->nelems == BPF_MAP_TYPE_PERF_EVENT_ARRAY && value->size == 4 &&
	       (value->kind == EBS_SIGNED || value->kind == EBS_UNSIGNED);
}

// The function type behind a pointer to it: `void (*)(struct a *, struct b *)`.
static const struct btf_type *prototype(const struct btf *btf, uint32_t pointer_id)
{
	const struct btf_type *pointer = btf__type_by_id(btf, pointer_id);
	const struct btf_type *function =
		pointer && btf_is_ptr(pointer) ? btf__type_by_id(btf, pointer->type) : NULL;

	return function && btf_is_func_proto(function) ? function : NULL;
}

// That behind `void (*(*type)[N])(struct a *, struct b *)`.
static const struct btf_type *sample_prototype(const struct btf *btf,
					       const struct btf_type *definition)
{
	uint32_t id;
	const struct btf_type *array = pointee(btf, definition, "type", &id);

	return array && btf_is_array(array) ? prototype(btf, btf_array(array)->type) : NULL;
}

// What the parameters of such a function point to. `function` may be NULL.
static int read_parameters(struct ebs_types *types, const struct btf_type *function,
			   const struct ebs_layout **layouts, int limit, struct ebs_error *error)
{
	const struct btf *btf = ebs_types_btf(types);
	int count = 0;

	for (int i = 0; function && i < btf_vlen(function); i++) {
		const struct btf_type *pointer = btf__type_by_id(btf, btf_params(function)[i].type);
		if (!pointer || !btf_is_ptr(pointer))
			continue;
		const struct ebs_layout *layout = ebs_types_layout(types, pointer->type, error);
		if (!layout)
			return -EINVAL;
		if (count < limit)
			layouts[count] = layout;
		count++;
	}
	return count;
}

int ebs_types_records(struct ebs_types *types, const char *program,
		      const struct ebs_layout **records, int limit, struct ebs_error *error)
{
	const struct btf *btf = ebs_types_btf(types);
	const struct btf_type *section = find_section(btf, ".ebs.records");
	size_t length = strlen(program);

	for (int i = 0; section && i < btf_vlen(section); i++) {
		const struct btf_type *var =
			btf__type_by_id(btf, btf_var_secinfos(section)[i].type);
		const char *name =
			var && btf_is_var(var) ? btf__name_by_offset(btf, var->name_off) : NULL;

		if (name && strncmp(name, program, length) == 0 &&
		    strcmp(name + length, ".records") == 0)
			return read_parameters(types, prototype(btf, var->type), records, limit,
					       error);
	}
	return 0;
}

int ebs_types_samples(struct ebs_types *types, const char *map, const struct ebs_layout **samples,
		      int limit, struct ebs_error *error)
{
	const struct btf *btf = ebs_types_btf(types);
	const struct btf_type *definition = map_definition(btf, map);
	uint32_t value_id = 0;
	if (!definition)
		return 0;

	if (pointee(btf, definition, "value",
		    &value_id)) { // what is written goes before what is found
		const struct ebs_layout *layout = ebs_types_layout(types, value_id, error);
		if (!layout)
			return -EINVAL;
		if (limit > 0)
			samples[0] = layout;
		if (!has_kernel_values(btf, definition, layout))
			return 1;
	}

	const struct btf_type *known = sample_prototype(btf, definition);
	if (!known) // a map with an initialiser, or one that is named by it
		return ebs_types_records(types, map, samples, limit, error);
	return read_parameters(types, known, samples, limit, error);
}
