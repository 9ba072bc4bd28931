// SPDX-License-Identifier: GPL-2.0-only
// Shared by the files of types/ alone.
#ifndef EBS_TYPES_TYPES_PRIVATE_H
#define EBS_TYPES_TYPES_PRIVATE_H

#include <stdint.h>

struct btf;
struct ebs_pinned_names;
struct ebs_types;

const struct btf *ebs_types_btf(const struct ebs_types *types);

// For a record with that many fields; free() releases it. NULL when memory is short.
struct ebs_pinned_names *ebs_pinned_names_new(uint32_t fields);

#endif
