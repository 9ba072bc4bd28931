// SPDX-License-Identifier: GPL-2.0-only
// Ids of types by name.
#ifndef EBS_TYPES_BTF_FIND_H
#define EBS_TYPES_BTF_FIND_H

#include "types/btf_blob.h"

// The first type of this name and BTF_KIND_*, or 0.
uint32_t ebs_btf_find(const struct ebs_btf_blob *blob, const char *name, uint32_t kind);

// The value of an enumerator of the enum of that name.
bool ebs_btf_find_enumerator(const struct ebs_btf_blob *blob, const char *enumeration,
			     const char *name, int64_t *value);

#endif
