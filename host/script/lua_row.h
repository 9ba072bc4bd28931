// SPDX-License-Identifier: GPL-2.0-only
// Lua values to the cells of a row.
#ifndef EBS_SCRIPT_LUA_ROW_H
#define EBS_SCRIPT_LUA_ROW_H

#include "output/columns.h"
#include "script/state.h"

// Makes the value at `index` one that ebs_add_cell() can write: calls what a metatable has for
// that. Lua code must not run while a row is begun, as it could begin the same row again.
void ebs_prepare_cell(lua_State *L, int index);

// Writes the value at `index` as the next cell. Raises, as `index`'s fault, what has no text: a
// function in a list, a table that contains itself.
void ebs_add_cell(lua_State *L, struct ebs_row *row, int index);

#endif
