// SPDX-License-Identifier: GPL-2.0-only
// The table bpf.format.
#ifndef EBS_SCRIPT_LUA_FORMAT_H
#define EBS_SCRIPT_LUA_FORMAT_H

#include "script/state.h"

#define EBS_FORMATS "ebscript.formats" // the table, in the registry

struct ebs_formatter;

// Pushes the table, new: once a state.
void ebs_push_formats(lua_State *L);

// The formatter that the function at `index` stands for; NULL when it is one of the script's own.
const struct ebs_formatter *ebs_to_formatter(lua_State *L, int index);

#endif
