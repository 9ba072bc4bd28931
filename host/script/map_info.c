// SPDX-License-Identifier: GPL-2.0-only
// map.info: what a map is, as a table.
#include "kernel/map_info.h"
#include "script/map.h"

static void set_integer(lua_State *L, const char *name, lua_Integer value)
{
	lua_pushinteger(L, value);
	lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *text)
{
	if (!text)
		return;
	lua_pushstring(L, text);
	lua_setfield(L, -2, name);
}

static void push_flags(lua_State *L, uint32_t flags)
{
	lua_Integer count = 0;

	lua_newtable(L); // flags
	for (unsigned bit = 0; bit < EBS_MAP_FLAGS; bit++) {
		if (!(flags >> bit & 1))
			continue;
		if (ebs_map_flag_name(bit))
			lua_pushstring(L, ebs_map_flag_name(bit)); // flags name
		else
			lua_pushfstring(L, "bit_%d", (int)bit);
		lua_rawseti(L, -2, ++count); // flags
	}
}

void ebs_push_map_info(lua_State *L, const struct ebs_map *map)
{
	struct ebs_map_info info;
	struct ebs_error error = { 0 };

	if (ebs_map_info(map, &info, &error))
		ebs_raise(L, &error);
	lua_createtable(L, 0, 12); // info
	set_text(L, "type", ebs_map_type_name(map));
	set_integer(L, "key_size", map->key_size);
	set_integer(L, "value_size", map->value_size);
	set_integer(L, "max_entries", map->max_entries);
	set_text(L, "key_type", map->key ? map->key->name : NULL);
	set_text(L, "value_type", map->value ? map->value->name : NULL);
	set_integer(L, "id", info.id);
	set_integer(L, "memory", (lua_Integer)info.memory);
	set_text(L, "pinned", map->pin_path);
	lua_pushboolean(L, info.frozen);
	lua_setfield(L, -2, "frozen");
	push_flags(L, map->flags); // info flags
	lua_setfield(L, -2, "flags");
}
