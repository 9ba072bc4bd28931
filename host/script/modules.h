// SPDX-License-Identifier: GPL-2.0-only
// require(): where modules come from.
#ifndef EBS_SCRIPT_MODULES_H
#define EBS_SCRIPT_MODULES_H

#include <lua.h>

// Before Lua's libraries are opened: for root, no environment variable names places.
void ebs_modules_ignore_environment(lua_State *L);

// After that: puts searchers in place of Lua's own.
void ebs_modules_open(lua_State *L);

#endif
