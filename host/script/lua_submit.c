// SPDX-License-Identifier: GPL-2.0-only
// map:submit(value [, type]): samples from the script to its programs.

#include "kernel/ring.h"
#include "script/map.h"
#include "script/value.h"

// The type of a sample: the one that is named, else the one that the C takes out of the map, or
// says with __type(value, ...). NULL: bytes.
static const struct ebs_layout *sample_type(lua_State *L, const struct ebs_map *map)
{
	struct ebs_error error = { 0 };
	const struct ebs_layout *layout = NULL;

	if (lua_isnoneornil(L, 3)) {
		int count = map->types
				    ? ebs_types_samples(map->types, map->name, &layout, 1, &error)
				    : 0;
		if (count < 0)
			ebs_raise(L, &error);
		if (count > 1)
			luaL_argerror(L, 3,
				      lua_pushfstring(L,
						      "the programs take several types out of map "
						      "'%s': name one, such as \"%s\"",
						      map->name, layout->name));
		return layout;
	}
	return ebs_check_type(L, 3, map->types, luaL_checkstring(L, 3));
}

int ebs_map_submit_value(lua_State *L)
{
	struct ebs_map *map = ebs_check_map_can(L, 1, EBS_MAP_SUBMIT)->map;
	const struct ebs_layout *layout = sample_type(L, map);
	struct ebs_error error = { 0 };
	bool tried = false;
	const void *data;
	size_t size;

	if (layout) {
		size = layout->size;
		uint8_t *bytes = lua_newuserdatauv(L, size ? size : 1, 0); // bytes
		if (ebs_read_value(L, 2, map->types, layout, bytes, "value", &error))
			return ebs_raise_argument(L, 2, &error);
		data = bytes;
	} else {
		if (lua_type(L, 2) != LUA_TSTRING)
			return luaL_argerror(L, 2,
					     "a string of bytes expected, as the type isn't known: "
					     "say __type(value, struct ...) in the C, or name it "
					     "here, as another argument");
		data = lua_tolstring(L, 2, &size);
	}
	while (ebs_map_submit(map, data, size, &error))
		if (!ebs_try_again(L, &error, &tried))
			return ebs_fail(L, &error);
	lua_pushboolean(L, true);
	return 1;
}
