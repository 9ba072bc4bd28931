// SPDX-License-Identifier: GPL-2.0-only
// Shared by value_read.c and value_refuse.c: where a reader of values is, and what it says there.
#ifndef EBS_SCRIPT_VALUE_REFUSE_H
#define EBS_SCRIPT_VALUE_REFUSE_H

#include "script/value.h"

struct ebs_reader {
	lua_State *L;
	struct ebs_types *types; // or NULL
	struct ebs_error *error;
};

// Where in the value the reader is: "key.addresses[2].port".
struct ebs_place {
	const struct ebs_place *outer;
	const char *name;  // a field, or NULL
	lua_Integer index; // of an array, when there is no name
};

// Each fills the reader's error and returns -EINVAL.
__attribute__((format(printf, 3, 4))) int
ebs_refuse(struct ebs_reader *reader, const struct ebs_place *place, const char *format, ...);

// "WANTED expected for type ..., got" what is at `index`.
int ebs_refuse_value(struct ebs_reader *reader, int index, const struct ebs_place *place,
		     const struct ebs_layout *layout, const char *wanted);

// A key of a table that is not 1 to N.
int ebs_refuse_key(struct ebs_reader *reader, int index, const struct ebs_place *place);

// No field, no enumerator of this name: says which there are.
int ebs_refuse_field(struct ebs_reader *reader, const struct ebs_place *place,
		     const struct ebs_layout *layout, const char *name);
int ebs_refuse_enumerator(struct ebs_reader *reader, const struct ebs_place *place,
			  const struct ebs_layout *layout, const char *name);

#endif
