// SPDX-License-Identifier: GPL-2.0-only
// What iterator programs write: link:lines(), link:records().
#ifndef EBS_SCRIPT_LINK_READ_H
#define EBS_SCRIPT_LINK_READ_H

#include "script/object.h"

// Both push a generator, nil at its end. The iterator runs anew for each generator. They return how
// many values they pushed, or what a failed function returns to Lua.

// Each call gives the next line without its newline.
int ebs_push_lines(lua_State *L, const struct ebs_link *link);

// Each call gives the next record as a table. `type` is its name, NULL: what the program writes,
// lines where that is text.
int ebs_push_records(lua_State *L, const struct ebs_link *link, struct script_object *object,
		     const char *type);

void ebs_register_reader(lua_State *L);

#endif
