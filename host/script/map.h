// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.Map, for the files that implement its methods.
#ifndef EBS_SCRIPT_MAP_H
#define EBS_SCRIPT_MAP_H

#include "script/object.h"

// A map of an object, which user value 1 keeps alive; or one that the script opened itself.
struct script_map {
	struct ebs_map *map; // open while its descriptor is; NULL only before the script sees it
	bool own;            // it has no object, and ends with close() or with this userdata
	uint8_t *bytes;      // a key, then a value, for the calls below; in user value 2
};

// The map at `index`; raises when it is none, or closed.
struct script_map *ebs_check_map(lua_State *L, int index);
// The same; raises also when the map's kind hasn't the ability, and says what it has.
struct script_map *ebs_check_map_can(lua_State *L, int index, enum ebs_map_ability ability);

// Pushes a per-CPU value: a sequence with one value for each CPU.
void ebs_push_cpus(lua_State *L, const struct ebs_map *map, const uint8_t *value);

// lua_walk.c: loops.
int ebs_map_pairs(lua_State *L);
int ebs_map_drain(lua_State *L);
// Pushes userdata that owns a new walk over the map at index 1; NULL with `error` filled and the
// userdata pushed too.
struct ebs_map_walk *ebs_push_walk(lua_State *L, struct script_map *self, struct ebs_error *error);
void ebs_register_walk(lua_State *L);

// lua_map_whole.c: what concerns all entries.
int ebs_map_copy(lua_State *L);
int ebs_map_count_entries(lua_State *L);
int ebs_map_length(lua_State *L);
int ebs_map_clear_entries(lua_State *L);

#endif
