// SPDX-License-Identifier: GPL-2.0-only
// What the object's BTF tells about its functions.
#include "types/functions.h"

#include <bpf/btf.h>
#include <stddef.h>

#include "types/types_private.h"

// Qualifiers and typedefs looked through.
static const struct btf_type *resolve(const struct btf *btf, uint32_t id)
{
	int resolved = btf__resolve_type(btf, id);

	return resolved > 0 ? btf__type_by_id(btf, (uint32_t)resolved) : NULL;
}

const char *ebs_types_context(struct ebs_types *types, const char *function)
{
	const struct btf *btf = ebs_types_btf(types);
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
	const struct btf_type *prototype = type ? btf__type_by_id(btf, type->type) : NULL;
	const struct btf_type *pointer = prototype && btf_vlen(prototype)
						 ? resolve(btf, btf_params(prototype)[0].type)
						 : NULL;
	const struct btf_type *target =
		pointer && btf_is_ptr(pointer) ? resolve(btf, pointer->type) : NULL;

	return target && (btf_is_struct(target) || btf_is_fwd(target))
		       ? btf__name_by_offset(btf, target->name_off)
		       : NULL;
}

const char *ebs_types_global_function(struct ebs_types *types, uint32_t index)
{
	const struct btf *btf = ebs_types_btf(types);

	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (btf_is_func(type) && btf_vlen(type) == BTF_FUNC_GLOBAL && !index--)
			return btf__name_by_offset(btf, type->name_off);
	}
	return NULL;
}
