// SPDX-License-Identifier: GPL-2.0-only
// Loops over maps: pairs(map), map:drain().
#include "script/map.h"
#include "script/value.h"

// The state of a loop over a map: userdata that keeps its map alive and owns the entries that are
// handed out.
#define WALK_CLASS "bpf.Walk"

struct script_walk {
	struct ebs_map_walk *walk;
	struct ebs_lifetime lifetime; // of the current entry's views
	struct script_map *self;      // kept alive by user value 1
};

static struct script_walk *push_walk(lua_State *L, int index, bool drain)
{
	struct script_map *self = ebs_check_map_can(L, index, EBS_MAP_WALK);
	struct ebs_error error = { 0 };
	struct script_walk *walk = lua_newuserdatauv(L, sizeof(*walk), 1); // walk

	*walk = (struct script_walk){ .self = self };
	luaL_setmetatable(L, WALK_CLASS);
	lua_pushvalue(L, index);     // walk map
	lua_setiuservalue(L, -2, 1); // walk
	walk->walk = ebs_map_walk_new(self->map, drain, &error);
	if (!walk->walk)
		ebs_raise(L, &error);
	return walk;
}

static int walk_close(lua_State *L)
{
	struct script_walk *walk = luaL_checkudata(L, 1, WALK_CLASS);

	ebs_map_walk_free(walk->walk);
	walk->walk = NULL;
	walk->lifetime.now++;
	return 0;
}

static void push_part(lua_State *L, const struct script_walk *walk, const struct ebs_layout *layout,
		      const uint8_t *data, uint32_t size, int owner)
{
	if (layout && layout->kind == EBS_RECORD)
		ebs_push_view(L, layout, data, size, &walk->lifetime, owner);
	else
		ebs_push_value(L, layout, data, size);
}

// The iterator's function: (walk, previous key) -> key, value.
static int walk_next(lua_State *L)
{
	struct script_walk *walk = luaL_checkudata(L, 1, WALK_CLASS);
	const uint8_t *key;
	const uint8_t *value;
	struct ebs_error error = { 0 };

	if (!walk->walk)
		return 0;
	if (walk->self->map->fd < 0)
		return luaL_error(L, "the map%s was closed inside the loop over it",
				  walk->self->own ? "" : "'s object");
	walk->lifetime.now++;
	int result = ebs_map_walk_next(walk->walk, &key, &value, &error);
	if (result < 0)
		return ebs_raise(L, &error);
	if (!result) {
		lua_settop(L, 1);
		walk_close(L);
		lua_pushnil(L);
		return 1;
	}
	const struct ebs_map *map = walk->self->map;
	push_part(L, walk, map->key, key, map->key_size, 1); // key
	if (map->per_cpu)
		ebs_push_cpus(L, map, value);
	else
		push_part(L, walk, map->value, value, map->value_size, 1); // key value
	return 2;
}

int ebs_map_pairs(lua_State *L)
{
	lua_pushcfunction(L, walk_next); // next
	push_walk(L, 1, false);          // next walk
	lua_pushnil(L);                  // next walk nil
	return 3;
}

int ebs_map_drain(lua_State *L)
{
	lua_pushcfunction(L, walk_next); // next
	push_walk(L, 1, true);           // next walk
	lua_pushnil(L);                  // next walk nil
	lua_pushvalue(L, -2);            // next walk nil walk: closed when the loop is left early
	return 4;
}

static const luaL_Reg methods[] = {
	{ NULL, NULL },
};

static const luaL_Reg metamethods[] = {
	{ "__close", walk_close },
	{ "__gc", walk_close },
	{ NULL, NULL },
};

void ebs_register_walk(lua_State *L)
{
	ebs_new_class(L, WALK_CLASS, methods, metamethods);
}
