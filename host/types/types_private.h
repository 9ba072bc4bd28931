// SPDX-License-Identifier: GPL-2.0-only
// Shared by the files of types/ alone.
#ifndef EBS_TYPES_TYPES_PRIVATE_H
#define EBS_TYPES_TYPES_PRIVATE_H

struct btf;
struct ebs_types;

const struct btf *ebs_types_btf(const struct ebs_types *types);

#endif
