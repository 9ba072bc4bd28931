// SPDX-License-Identifier: GPL-2.0-only
// What iterator programs write: link:lines(), link:records().
#ifndef EBS_SCRIPT_LINK_READ_H
#define EBS_SCRIPT_LINK_READ_H

#include "script/object.h"

// Pushes a generator: each call gives the next line without its newline, or with a type the next
// record of it as a table; nil at the end. The iterator runs anew for each generator. Returns 1, or
// what a failed function returns to Lua.
int ebs_push_reader(lua_State *L, const struct ebs_link *link, struct script_object *object,
		    const char *type);

void ebs_register_reader(lua_State *L);

#endif
