// SPDX-License-Identifier: GPL-2.0-only
// The names of an enum's values, as formatters look them up.
#ifndef EBS_OUTPUT_ENUM_NAMES_H
#define EBS_OUTPUT_ENUM_NAMES_H

#include "output/format.h"
#include "types/layout.h"

// Puts the names of the type, or of an array's elements, into `names`, to be released with free();
// NULL where the type is no enum. The texts are the types'. Returns 0 or -ENOMEM.
int ebs_enum_names_new(const struct ebs_layout *layout, struct ebs_enum_names **names);

#endif
