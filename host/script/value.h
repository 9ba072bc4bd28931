// SPDX-License-Identifier: GPL-2.0-only
// Bytes with a layout to Lua values, and back.
#ifndef EBS_SCRIPT_VALUE_H
#define EBS_SCRIPT_VALUE_H

#include <stddef.h>

#include "script/state.h"
#include "types/layout.h"

// Pushes the value at `data`, of which `size` bytes exist. A record becomes a table. Text and bytes
// that reach past the end are shortened, anything else there is nil. `layout` NULL: the bytes as a
// string.
void ebs_push_value(lua_State *L, const struct ebs_layout *layout, const uint8_t *data,
		    size_t size);

// The same for one field of the record at `record`; records become tables.
void ebs_push_field(lua_State *L, const struct ebs_field *field, const uint8_t *record,
		    size_t size);

// Pushes the names of a record's fields, "pid, comm", for messages, and returns that string.
const char *ebs_push_field_names(lua_State *L, const struct ebs_layout *layout);

// Writes the Lua value at `index` as `layout` (never NULL) says; bytes that it doesn't mention
// become zero. `what` names the value in messages ("key", "constant uid"). Returns 0, or -EINVAL
// with `error` filled; raises only when memory is short. `types` may be NULL: then enumerators
// can't be given by name.
int ebs_read_value(lua_State *L, int index, struct ebs_types *types,
		   const struct ebs_layout *layout, uint8_t *out, const char *what,
		   struct ebs_error *error);

// A view: userdata that decodes a record's fields when they are read. It lives in `owner` (a
// userdata, which it keeps alive) and raises once `lifetime` counts on.
struct ebs_lifetime {
	uint64_t now;
};
void ebs_push_view(lua_State *L, const struct ebs_layout *layout, const uint8_t *data, size_t size,
		   const struct ebs_lifetime *lifetime, int owner);

// The bytes of the view at `index` while it is valid, or NULL when there is no view. Raises when
// its time is over.
struct ebs_view_bytes {
	const struct ebs_layout *layout;
	const uint8_t *data;
	size_t size;
};
bool ebs_view_bytes(lua_State *L, int index, struct ebs_view_bytes *bytes);

#endif
