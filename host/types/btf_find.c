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
