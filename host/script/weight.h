// SPDX-License-Identifier: GPL-2.0-only
// What userdata hold outside of Lua counts for its collector.
//
// Lua collects garbage by the pace at which its own memory grows. A userdata of a hundred bytes may
// hold a descriptor, or megabytes of the kernel's memory. So each has its weight, and who opens
// something makes room before.
#ifndef EBS_SCRIPT_WEIGHT_H
#define EBS_SCRIPT_WEIGHT_H

#include <lua.h>
#include <stdbool.h>

#include "base/error.h"
#include "kernel/weight.h"

struct ebs_state;

struct ebs_weights {
	struct ebs_weight held;  // by all userdata
	size_t opened;           // by Lua's own functions since the last collection: files
	struct ebs_weight limit; // where garbage is collected
};

// `*held` is what one userdata holds; from now on it is `now`.
void ebs_weigh(struct ebs_state *state, struct ebs_weight *held, struct ebs_weight now);

// Collects garbage where much has been opened since that was done last.
void ebs_make_room(lua_State *L);

// Before Lua opens a file itself, or a pipe. Nobody weighs these; so they count once they are
// opened.
void ebs_make_room_for_file(lua_State *L);

// After an opening that failed: collects garbage, clears the error and returns true where files or
// memory ran out and `*tried` is still false, which becomes true. Else false, and nothing changes.
//
//	do
//		map = ebs_map_open_pinned(path, &error);
//	while (!map && ebs_try_again(L, &error, &tried));
bool ebs_try_again(lua_State *L, struct ebs_error *error, bool *tried);

#endif
