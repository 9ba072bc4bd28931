// SPDX-License-Identifier: GPL-2.0-only
// What the object's BTF tells about its functions.
#ifndef EBS_TYPES_FUNCTIONS_H
#define EBS_TYPES_FUNCTIONS_H

#include <stdint.h>

#include "types/layout.h"

// The struct that the function's first parameter points to, "xdp_md"; NULL: it has none.
const char *ebs_types_context(struct ebs_types *types, const char *function);

// The function that stands at `index` among those that are neither static nor of the kernel; NULL
// past the end.
const char *ebs_types_global_function(struct ebs_types *types, uint32_t index);

#endif
