// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.Map.
#include <string.h>

#include "kernel/map_open.h"
#include "script/map.h"

// Makes room for a key and a value of the map of the userdata on the top.
static void add_bytes(lua_State *L, struct script_map *self)
{
	const struct ebs_map *map = self->map; // map

	self->bytes = lua_newuserdatauv(L, map->key_size + ebs_map_value_bytes(map) + 1, 0);
	lua_setiuservalue(L, -2, 2); // map
}

void ebs_push_map(lua_State *L, int index, struct ebs_map *map)
{
	index = lua_absindex(L, index);
	ebs_refuse_at_end(L);
	struct script_map *self = lua_newuserdatauv(L, sizeof(*self), 2); // map

	*self = (struct script_map){ .map = map, .object = lua_touserdata(L, index) };
	luaL_setmetatable(L, EBS_MAP_CLASS);
	lua_pushvalue(L, index);     // map object
	lua_setiuservalue(L, -2, 1); // map
	add_bytes(L, self);
}

struct script_map *ebs_push_own_map(lua_State *L, int owner)
{
	ebs_refuse_at_end(L);
	if (owner)
		owner = lua_absindex(L, owner);
	ebs_make_room(L);
	struct script_map *self = lua_newuserdatauv(L, sizeof(*self), 2); // map

	*self = (struct script_map){ .own = true };
	luaL_setmetatable(L, EBS_MAP_CLASS);
	if (owner) {
		self->object = ((const struct script_map *)lua_touserdata(L, owner))->object;
		lua_pushvalue(L, owner);     // map owner
		lua_setiuservalue(L, -2, 1); // map
	}
	return self;
}

void ebs_finish_own_map(lua_State *L, struct script_map *self, bool made)
{
	ebs_weigh(ebs_state(L), &self->weight, ebs_map_weight(self->map, made));
	add_bytes(L, self);
}

bool ebs_map_is_there(const struct script_map *self)
{
	return self->map && (!self->object || self->object->handle);
}

bool ebs_map_is_open(const struct script_map *self)
{
	return ebs_map_is_there(self) && self->map->fd >= 0;
}

struct script_map *ebs_check_map(lua_State *L, int index)
{
	struct script_map *self = luaL_checkudata(L, index, EBS_MAP_CLASS);

	if (!ebs_map_is_open(self))
		luaL_argerror(L, index,
			      self->own ? "the map is closed" : "the map's object is closed");
	return self;
}

// "get(), set(), delete()"
static void add_abilities(luaL_Buffer *out, const struct ebs_map_kind *kind)
{
	const char *comma = "";

	for (unsigned bit = 1; bit <= kind->abilities; bit <<= 1) {
		if (!(kind->abilities & bit))
			continue;
		luaL_addstring(out, comma);
		luaL_addstring(out, ebs_map_ability_name(bit));
		comma = ", ";
	}
}

struct script_map *ebs_check_map_can(lua_State *L, int index, enum ebs_map_ability ability)
{
	struct script_map *self = ebs_check_map(L, index);
	const struct ebs_map_kind *kind = self->map->kind;
	luaL_Buffer text;

	if (kind->abilities & ability)
		return self;
	lua_pushfstring(L, "map '%s' (%s) has no %s: ", self->map->name, kind->name,
			ebs_map_ability_name(ability)); // start
	luaL_buffinit(L, &text);
	if (kind->abilities) {
		luaL_addstring(&text, "it has ");
		add_abilities(&text, kind);
		luaL_addstring(&text, kind->instead ? "; " : "");
	}
	luaL_addstring(&text, kind->instead ? kind->instead : "");
	luaL_pushresult(&text); // start rest
	lua_concat(L, 2);       // text
	luaL_argerror(L, index, lua_tostring(L, -1));
	return NULL;
}

int ebs_push_found(lua_State *L, struct script_map *self, int found, struct ebs_error *error)
{
	if (!found)
		lua_pushnil(L);
	else if (found < 0 || ebs_push_map_value(L, 1, self, ebs_value_bytes(self), error))
		return ebs_fail(L, error);
	return 1;
}

static int map_get(lua_State *L)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_GET);
	struct ebs_map_owner owner;
	struct ebs_error error = { 0 };

	ebs_read_map_key(L, self, 2, self->bytes, &owner);
	int found = ebs_open_owner(L, &owner, self->bytes, &error);
	if (!found)
		found = ebs_map_get(self->map, self->bytes, ebs_value_bytes(self), &error);
	ebs_map_owner_close(&owner);
	return ebs_push_found(L, self, found, &error);
}

int ebs_set_entry(lua_State *L, const struct script_map *self, const void *key, const void *value,
		  uint64_t flags, struct ebs_error *error)
{
	bool tried = false;
	int result;

	do
		result = ebs_map_set(self->map, key, value, flags, error);
	while (result && ebs_try_again(L, error, &tried));
	return result;
}

uint64_t ebs_check_map_flag(lua_State *L, int index)
{
	static const char *const names[] = { "any", "noexist", "exist", NULL };

	return luaL_checkoption(L, index, "any", names); // BPF_ANY, BPF_NOEXIST, BPF_EXIST
}

static int map_set(lua_State *L)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_SET);
	uint8_t *value = ebs_value_bytes(self);
	struct ebs_map_owner key_owner;
	struct ebs_map_owner value_owner;
	struct ebs_error error = { 0 };

	ebs_read_map_key(L, self, 2, self->bytes, &key_owner);
	ebs_read_map_value(L, self, 3, value, &value_owner);
	uint64_t flags = ebs_check_map_flag(L, 4);
	int result = ebs_open_owner(L, &key_owner, self->bytes, &error);
	if (!result)
		result = ebs_open_owner(L, &value_owner, value, &error);
	if (!result)
		result = ebs_set_entry(L, self, self->bytes, value, flags, &error);
	ebs_map_owner_close(&key_owner);
	ebs_map_owner_close(&value_owner);
	if (result)
		return ebs_fail(L, &error);
	lua_pushboolean(L, true);
	return 1;
}

static int map_delete(lua_State *L)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_DELETE);
	struct ebs_map_owner owner;
	struct ebs_error error = { 0 };

	ebs_read_map_key(L, self, 2, self->bytes, &owner);
	int deleted = ebs_open_owner(L, &owner, self->bytes, &error);
	if (!deleted)
		deleted = ebs_map_delete(self->map, self->bytes, &error);
	ebs_map_owner_close(&owner);
	if (deleted < 0)
		return ebs_fail(L, &error);
	lua_pushboolean(L, deleted);
	return 1;
}

// Serves close(), __close and, by map_gc(), __gc. A map of an object closes with it.
static int map_close(lua_State *L)
{
	struct script_map *self = luaL_checkudata(L, 1, EBS_MAP_CLASS);

	if (self->own && self->map) {
		ebs_map_close(self->map);
		ebs_weigh(ebs_state(L), &self->weight, ebs_map_weight(self->map, false));
	}
	return 0;
}

static int map_gc(lua_State *L)
{
	struct script_map *self = luaL_checkudata(L, 1, EBS_MAP_CLASS);

	if (self->own)
		ebs_map_free(self->map);
	self->map = NULL;
	ebs_weigh(ebs_state(L), &self->weight, (struct ebs_weight){ 0 });
	return 0;
}

static int map_index(lua_State *L)
{
	struct script_map *self = luaL_checkudata(L, 1, EBS_MAP_CLASS);
	const char *key = luaL_checkstring(L, 2);

	if (strcmp(key, "name") == 0)
		lua_pushstring(L, ebs_map_is_there(self) ? self->map->name
							 : ebs_check_map(L, 1)->map->name);
	else if (strcmp(key, "info") == 0)
		ebs_push_map_info(L, ebs_check_map(L, 1)->map);
	else
		lua_getfield(L, lua_upvalueindex(1), key);
	return 1;
}

static int map_tostring(lua_State *L)
{
	struct script_map *self = luaL_checkudata(L, 1, EBS_MAP_CLASS);

	if (ebs_map_is_there(self))
		lua_pushfstring(L, EBS_MAP_CLASS ": %s%s", self->map->name,
				ebs_map_is_open(self) ? "" : " (closed)");
	else
		lua_pushliteral(L, EBS_MAP_CLASS " (closed)");
	return 1;
}

// clang-format off
static const luaL_Reg methods[] = {
	{ "clear", ebs_map_clear_entries },
	{ "close", map_close },
	{ "contains", ebs_map_contains_method },
	{ "copy", ebs_map_copy },
	{ "count", ebs_map_count_entries },
	{ "create_inner", ebs_map_create_inner_method },
	{ "delete", map_delete },
	{ "drain", ebs_map_drain },
	{ "freeze", ebs_map_freeze_method },
	{ "get", map_get },
	{ "pairs", ebs_map_pairs },
	{ "peek", ebs_map_peek_method },
	{ "pin", ebs_map_pin_method },
	{ "pop", ebs_map_pop_method },
	{ "push", ebs_map_push_method },
	{ "set", map_set },
	{ "submit", ebs_map_submit_value },
	{ "top", ebs_map_top_method },
	{ "unpin", ebs_map_unpin_method },
	{ "update", ebs_map_update_method },
	{ NULL, NULL },
};
// clang-format on

static const luaL_Reg metamethods[] = {
	{ "__close", map_close },
	{ "__gc", map_gc },
	{ "__index", map_index },
	{ "__len", ebs_map_length },
	{ "__pairs", ebs_map_pairs },
	{ "__tostring", map_tostring },
	{ NULL, NULL },
};

void ebs_register_map(lua_State *L)
{
	ebs_new_class(L, EBS_MAP_CLASS, methods, metamethods);
	ebs_register_walk(L);
	ebs_register_top(L);
}
