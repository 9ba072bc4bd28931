// SPDX-License-Identifier: GPL-2.0-only
// Methods of bpf.Map that concern all entries: copy(), count(), clear().
#include "script/map.h"
#include "script/value_step.h"

// Can a key be the key of a table, with equal keys being one? Tables can't, nor can NaN.
static bool is_plain_key(const struct ebs_layout *key)
{
	return !key ||
	       (key->kind != EBS_RECORD && key->kind != EBS_ARRAY && key->kind != EBS_FLOAT);
}

// The map is at index 1.
static void push_value(lua_State *L, const struct script_map *self, const uint8_t *value)
{
	struct ebs_error error = { 0 };

	if (ebs_push_map_value(L, 1, self, value, &error))
		ebs_raise(L, &error);
}

// Adds a batch to the table on the top, which has `count` elements if it is a list.
static void add_batch(lua_State *L, const struct script_map *self,
		      const struct ebs_map_batch *batch, lua_Integer count)
{
	const struct ebs_map *map = self->map;
	struct ebs_step key = ebs_step_value(map->key, map->key_size); // copy
	bool plain = is_plain_key(map->key);

	for (uint32_t i = 0; i < batch->count; i++) {
		const uint8_t *bytes =
			batch->keys ? batch->keys + (size_t)i * map->key_size : (const uint8_t *)&i;

		if (!plain)
			lua_createtable(L, 0, 2);             // copy entry
		ebs_push_step(L, &key, bytes, map->key_size); // ... key
		if (!plain)
			lua_setfield(L, -2, "key");                     // copy entry
		push_value(L, self, batch->values + i * batch->stride); // ... value
		if (plain) {
			lua_rawset(L, -3); // copy
			continue;
		}
		lua_setfield(L, -2, "value"); // copy entry
		lua_rawseti(L, -2, ++count);  // copy
	}
}

int ebs_map_copy(lua_State *L)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_WALK);
	struct ebs_error error = { 0 };
	struct ebs_map_walk *walk = ebs_push_walk(L, self, &error); // walk
	struct ebs_map_batch batch = { 0 };
	lua_Integer count = 0;
	int result = walk ? ebs_map_walk_fill(walk, &batch, &error) : -1;

	if (result < 0)
		return ebs_fail(L, &error);
	bool list = !is_plain_key(self->map->key);
	int size = (int)(batch.count < INT32_MAX ? batch.count : INT32_MAX);
	bool indexed = list || !batch.keys;
	lua_createtable(L, indexed ? size : 0, indexed ? 0 : size); // walk copy
	while (result > 0) {
		add_batch(L, self, &batch, count);
		count += batch.count;
		result = ebs_map_walk_fill(walk, &batch, &error);
	}
	return result < 0 ? ebs_fail(L, &error) : 1;
}

// #map can't return a failure.
int ebs_map_length(lua_State *L)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_WALK);
	struct ebs_error error = { 0 };
	int64_t count = ebs_map_count(self->map, &error);

	if (count < 0)
		return ebs_raise(L, &error);
	lua_pushinteger(L, count);
	return 1;
}

int ebs_map_count_entries(lua_State *L)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_WALK);
	struct ebs_error error = { 0 };
	int64_t count = ebs_map_count(self->map, &error);

	if (count < 0)
		return ebs_fail(L, &error);
	lua_pushinteger(L, count);
	return 1;
}

int ebs_map_clear_entries(lua_State *L)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_WALK);
	struct ebs_error error = { 0 };

	if (ebs_map_clear(self->map, &error))
		return ebs_fail(L, &error);
	lua_pushboolean(L, true);
	return 1;
}
