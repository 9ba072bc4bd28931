// SPDX-License-Identifier: GPL-2.0-only
// Bytes with a layout to Lua values, and back.
#ifndef EBS_SCRIPT_VALUE_H
#define EBS_SCRIPT_VALUE_H

#include <stddef.h>

#include "script/lifetime.h"
#include "script/state.h"
#include "types/layout.h"

// How many elements of an array `size` bytes hold.
size_t ebs_array_count(const struct ebs_layout *layout, size_t size);

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

// The type of that name ("struct event"). Raises, as `argument`'s fault, when `types` (NULL: none
// are known) don't have it.
const struct ebs_layout *ebs_check_type(lua_State *L, int argument, struct ebs_types *types,
					const char *name);

// Writes the Lua value at `index` as `layout` (never NULL) says; bytes that it doesn't mention
// become zero. `what` names the value in messages ("key", "constant uid"). Returns 0, or -EINVAL
// with `error` filled; raises only when memory is short. `types` may be NULL: then enumerators
// can't be given by name.
int ebs_read_value(lua_State *L, int index, struct ebs_types *types,
		   const struct ebs_layout *layout, uint8_t *out, const char *what,
		   struct ebs_error *error);

// Views keep nothing alive: before a lifetime has views, this tells which userdata they live in.
void ebs_lifetime_begin(lua_State *L, struct ebs_lifetime *lifetime, int owner);

// Whether values of this layout (NULL: not known) can be views: records, and arrays of records.
bool ebs_has_view(const struct ebs_layout *layout);

// Pushes these as a view, which decodes what the script reads of it. The bytes must stay until
// ebs_lifetime_end(): then the view raises. Anything else is pushed as its value.
void ebs_push_view(lua_State *L, const struct ebs_layout *layout, const uint8_t *data, size_t size,
		   struct ebs_lifetime *lifetime);

// Pushes what the bytes of the view at `index` live in: for as long as that is on the stack, no
// collection of garbage can end the view. Raises when its time is over.
void ebs_hold_view(lua_State *L, int index);

// The name by which handlers and views have the bytes behind a record.
#define EBS_REST "rest"

// What the view at `index` shows. False when there is no view; raises when its time is over. Of
// memory that others write the bytes are a copy, which stays until the next call.
struct ebs_view_bytes {
	const struct ebs_layout *layout;
	const uint8_t *data;
	size_t size;
};
bool ebs_view_bytes(lua_State *L, int index, struct ebs_view_bytes *bytes);

#endif
