// SPDX-License-Identifier: GPL-2.0-only
// The size of buffers, as the script and the command line want it.
#ifndef EBS_SCRIPT_BUFFER_SIZE_H
#define EBS_SCRIPT_BUFFER_SIZE_H

#include "kernel/object.h"
#include "script/state.h"

// Raises unless the option `buffer_size` of the table at `options` is absent, an integer or a table
// of integers by name.
void ebs_check_buffer_size(lua_State *L, int options);

// Between open and load: gives the buffers the sizes that the option says, and over it that of
// --buffer-size. Returns 0, or -errno with `error` filled.
int ebs_set_buffer_size(lua_State *L, int options, const struct ebs_state *state,
			struct ebs_object *handle, struct ebs_error *error);

#endif
