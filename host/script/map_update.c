// SPDX-License-Identifier: GPL-2.0-only
// map:update(table): many entries at once.
#include <string.h>

#include "script/map.h"

// Counts the table's entries.
static uint32_t count_entries(lua_State *L, int index)
{
	uint32_t count = 0;

	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
		count++;
	return count;
}

// What is opened for a single call only has no place among many.
static void refuse_owner(lua_State *L, const struct ebs_map_owner *owner)
{
	if (owner->kind > EBS_OWNER_FD)
		luaL_argerror(L, 2, "update() takes descriptors only: use set() for others");
}

// All is converted, and so all misuse found, before anything is written.
int ebs_map_update_method(lua_State *L)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_SET);
	const struct ebs_map *map = self->map;
	size_t value_bytes = ebs_map_value_bytes(map);
	struct ebs_map_owner owner;
	struct ebs_error error = { 0 };
	uint32_t written = 0;
	bool tried = false;

	luaL_checktype(L, 2, LUA_TTABLE);
	uint64_t flags = ebs_check_map_flag(L, 3);
	lua_settop(L, 3);
	uint32_t count = count_entries(L, 2);
	size_t size = count * (map->key_size + value_bytes);
	uint8_t *keys = lua_newuserdatauv(L, size + 1, 0); // map table flag entries
	uint8_t *values = keys + (size_t)count * map->key_size;
	memset(keys, 0, size);

	uint32_t filled = 0;
	lua_pushnil(L);                                      // ... entries key
	for (; filled < count && lua_next(L, 2); filled++) { // ... entries key value
		uint8_t *key = keys + (size_t)filled * map->key_size;
		uint8_t *value = values + filled * value_bytes;

		ebs_read_map_key(L, self, 5, key, &owner);
		refuse_owner(L, &owner);
		ebs_map_owner_open(&owner, key, NULL);
		ebs_read_map_value(L, self, 6, value, &owner);
		refuse_owner(L, &owner);
		ebs_map_owner_open(&owner, value, NULL);
		lua_pop(L, 1); // ... entries key
	}
	while (ebs_map_update(map, keys, values, filled, flags, &written, &error))
		if (!ebs_try_again(L, &error, &tried))
			return ebs_fail(L, &error);
	lua_pushboolean(L, true);
	return 1;
}
