// SPDX-License-Identifier: GPL-2.0-only
// What the kernel's BTF says of functions and tracepoints: their names and parameters.
#ifndef EBS_TYPES_PROTOTYPES_H
#define EBS_TYPES_PROTOTYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

// `name` is without the prefix. `parameters`: a line each, "struct task_struct *p\n"; NULL where
// they weren't asked for. Both live as long as the call. Ends the visit by a number other than 0.
typedef int ebs_prototype_visit(void *context, const char *name, const char *parameters);

// Visits the types of kind BTF_KIND_FUNC or BTF_KIND_TYPEDEF (of a pointer to a function) whose
// names are `prefix` and something that `glob` matches. `skip`: how many of the first parameters
// are nobody's business, as then is what the function returns. Returns 0, the visit's own number,
// or a negative errno with `error` filled.
int ebs_prototypes_visit(uint32_t kind, const char *prefix, const char *glob, bool parameters,
			 unsigned skip, ebs_prototype_visit *visit, void *context,
			 struct ebs_error *error);

// The same for the structs, with members as parameters.
int ebs_structs_visit(const char *prefix, const char *glob, bool members,
		      ebs_prototype_visit *visit, void *context, struct ebs_error *error);

#endif
