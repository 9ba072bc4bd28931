// SPDX-License-Identifier: GPL-2.0-only
// Which lines of the script a piece of C is.
#ifndef EBS_SCRIPT_SOURCE_H
#define EBS_SCRIPT_SOURCE_H

#include <lua.h>
#include <stddef.h>

#include "script/build.h"

// Fills in the text and the name by which messages call it; the directory too where the text stands
// in a Lua file that isn't the script. Where it stands in a Lua file that led to the call, as one
// string or as several, it gets blank lines and columns in front of each, so that its lines are the
// file's in the compiler's messages and, by the object's line information, in the verifier's. Else
// the name tells that its lines are its own. (A #line directive would make clang add notes about
// source that it can't find.)
void ebs_source_take_text(lua_State *L, struct ebs_source *source, const char *text, size_t size);

#endif
