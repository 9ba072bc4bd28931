// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.Map, for the files that implement its methods.
#ifndef EBS_SCRIPT_MAP_H
#define EBS_SCRIPT_MAP_H

#include "script/object.h"

struct script_map {
	struct ebs_map *map;
	struct script_object *object; // kept alive by user value 1
	uint8_t bytes[];              // a key, then a value, for the calls below
};

// The map at `index`; raises when it is none, its object is closed, or it has no entries.
struct script_map *ebs_check_entries(lua_State *L, int index);

// Pushes a per-CPU value: a sequence with one value for each CPU.
void ebs_push_cpus(lua_State *L, const struct ebs_map *map, const uint8_t *value);

// lua_walk.c: loops.
int ebs_map_pairs(lua_State *L);
int ebs_map_drain(lua_State *L);
void ebs_register_walk(lua_State *L);

#endif
