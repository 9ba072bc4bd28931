// SPDX-License-Identifier: GPL-2.0-only
// Macros that BPF C needs and BTF has not: Ethernet types, address families, errnos, modes, flags.
#ifndef EBS_TYPES_CONSTANTS_H
#define EBS_TYPES_CONSTANTS_H

#include <stddef.h>

#include "base/buffer.h"
#include "types/names.h"

struct ebs_macro {
	const char *name;
	long long value;
};

// Made from the headers of the machine that builds (cmake/constant_rows.cmake), by name.
extern const struct ebs_macro ebs_macro_rows[];
extern const size_t ebs_macro_row_count;

// Appends the #define lines of those that C with these names uses and doesn't define.
void ebs_constants_write(const struct ebs_names *names, struct ebs_buffer *out);

#endif
