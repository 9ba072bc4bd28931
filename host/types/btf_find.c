// SPDX-License-Identifier: GPL-2.0-only
// Ids of types by name.
#include "types/btf_find.h"

#include <string.h>

uint32_t ebs_btf_find(const struct ebs_btf_blob *blob, const char *name, uint32_t kind)
{
	for (uint32_t id = 1; id < blob->count; id++) {
		const struct btf_type *type = ebs_btf_type(blob, id);

		if (ebs_btf_kind(type) == kind &&
		    strcmp(ebs_btf_string(blob, type->name_off), name) == 0)
			return id;
	}
	return 0;
}

static int64_t enumerator_value(const struct btf_type *type, uint32_t index)
{
	if (ebs_btf_kind(type) == BTF_KIND_ENUM64) {
		const struct btf_enum64 *wide = ebs_btf_details(type);

		return (int64_t)((uint64_t)wide[index].val_hi32 << 32 | wide[index].val_lo32);
	}
	return ((const struct btf_enum *)ebs_btf_details(type))[index].val;
}

bool ebs_btf_find_enumerator(const struct ebs_btf_blob *blob, const char *enumeration,
			     const char *name, int64_t *value)
{
	for (uint32_t id = 1; id < blob->count; id++) {
		const struct btf_type *type = ebs_btf_type(blob, id);

		if (!ebs_btf_is_enum(type) ||
		    strcmp(ebs_btf_string(blob, type->name_off), enumeration))
			continue;
		for (uint32_t i = 0; i < ebs_btf_vlen(type); i++)
			if (!strcmp(ebs_btf_string(blob, ebs_btf_enumerator(type, i)), name)) {
				*value = enumerator_value(type, i);
				return true;
			}
	}
	return false;
}
