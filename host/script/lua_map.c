// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.Map.
#include <errno.h>
#include <string.h>

#include "script/map.h"
#include "script/value.h"

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
	struct script_map *self = lua_newuserdatauv(L, sizeof(*self), 2); // map

	*self = (struct script_map){ .map = map };
	luaL_setmetatable(L, EBS_MAP_CLASS);
	lua_pushvalue(L, index);     // map object
	lua_setiuservalue(L, -2, 1); // map
	add_bytes(L, self);
}

static bool is_open(const struct script_map *self)
{
	return self->map && self->map->fd >= 0;
}

struct script_map *ebs_check_map(lua_State *L, int index)
{
	struct script_map *self = luaL_checkudata(L, index, EBS_MAP_CLASS);

	if (!is_open(self))
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

// One part of an entry: as its layout says, else a string of just the right size.
static void read_part(lua_State *L, int index, const struct script_map *self,
		      const struct ebs_layout *layout, uint32_t size, uint8_t *out,
		      const char *what)
{
	struct ebs_error error = { 0 };
	size_t length = 0;

	if (layout) {
		if (ebs_read_value(L, index, self->map->types, layout, out, what, &error))
			ebs_raise_argument(L, index, &error);
		return;
	}
	const char *bytes = luaL_checklstring(L, index, &length);
	if (length != size)
		luaL_argerror(L, index,
			      lua_pushfstring(L, "%s: a string of %d bytes expected, got %d", what,
					      (int)size, (int)length));
	memcpy(out, bytes, size);
}

static uint8_t *read_key(lua_State *L, struct script_map *self, int index)
{
	read_part(L, index, self, self->map->key, self->map->key_size, self->bytes, "key");
	return self->bytes;
}

// A per-CPU value is a sequence with one value for each CPU.
static uint8_t *read_value(lua_State *L, struct script_map *self, int index)
{
	const struct ebs_map *map = self->map;
	uint8_t *value = self->bytes + map->key_size;

	if (!map->per_cpu) {
		read_part(L, index, self, map->value, map->value_size, value, "value");
		return value;
	}
	luaL_checktype(L, index, LUA_TTABLE);
	if (lua_rawlen(L, index) != map->cpus)
		luaL_argerror(
			L, index,
			lua_pushfstring(L, "a per-CPU value is a sequence of %d values, one a CPU",
					(int)map->cpus));
	memset(value, 0, ebs_map_value_bytes(map));
	for (unsigned cpu = 0; cpu < map->cpus; cpu++) {
		lua_rawgeti(L, index, cpu + 1); // value
		struct ebs_error error = { 0 };
		char what[32];
		snprintf(what, sizeof(what), "value[%u]", cpu + 1);
		size_t length = 0;
		const char *bytes = map->value ? NULL : lua_tolstring(L, -1, &length);
		uint8_t *out = value + (size_t)cpu * map->stride;

		if (map->value) {
			if (ebs_read_value(L, -1, self->map->types, map->value, out, what, &error))
				ebs_raise_argument(L, index, &error);
		} else if (!bytes || length != map->value_size) {
			luaL_argerror(L, index,
				      lua_pushfstring(L, "%s: a string of %d bytes expected", what,
						      (int)map->value_size));
		} else {
			memcpy(out, bytes, length);
		}
		lua_pop(L, 1); // -
	}
	return value;
}

void ebs_push_cpus(lua_State *L, const struct ebs_map *map, const uint8_t *value)
{
	lua_createtable(L, (int)map->cpus, 0); // values
	for (unsigned cpu = 0; cpu < map->cpus; cpu++) {
		ebs_push_value(L, map->value, value + (size_t)cpu * map->stride,
			       map->value_size); // values value
		lua_rawseti(L, -2, cpu + 1);     // values
	}
}

static int map_get(lua_State *L)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_GET);
	uint8_t *key = read_key(L, self, 2);
	uint8_t *value = self->bytes + self->map->key_size;
	struct ebs_error error = { 0 };
	int found = ebs_map_get(self->map, key, value, &error);

	if (found < 0)
		return ebs_fail(L, &error);
	if (!found)
		lua_pushnil(L);
	else if (self->map->per_cpu)
		ebs_push_cpus(L, self->map, value);
	else
		ebs_push_value(L, self->map->value, value, self->map->value_size);
	return 1;
}

static int map_set(lua_State *L)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_SET);
	uint8_t *key = read_key(L, self, 2);
	uint8_t *value = read_value(L, self, 3);
	struct ebs_error error = { 0 };

	if (ebs_map_set(self->map, key, value, 0, &error))
		return ebs_fail(L, &error);
	lua_pushboolean(L, true);
	return 1;
}

static int map_delete(lua_State *L)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_DELETE);
	uint8_t *key = read_key(L, self, 2);
	struct ebs_error error = { 0 };
	int deleted = ebs_map_delete(self->map, key, &error);

	if (deleted < 0)
		return ebs_fail(L, &error);
	lua_pushboolean(L, deleted);
	return 1;
}

static void set_integer(lua_State *L, const char *name, lua_Integer value)
{
	lua_pushinteger(L, value);
	lua_setfield(L, -2, name);
}

static int map_index(lua_State *L)
{
	struct script_map *self = luaL_checkudata(L, 1, EBS_MAP_CLASS);
	const char *key = luaL_checkstring(L, 2);

	if (strcmp(key, "name") == 0) {
		lua_pushstring(L, self->map->name);
	} else if (strcmp(key, "info") == 0) {
		lua_newtable(L); // info
		lua_pushstring(L, ebs_map_type_name(self->map));
		lua_setfield(L, -2, "type");
		set_integer(L, "key_size", self->map->key_size);
		set_integer(L, "value_size", self->map->value_size);
		set_integer(L, "max_entries", self->map->max_entries);
	} else {
		lua_getfield(L, lua_upvalueindex(1), key);
	}
	return 1;
}

static int map_tostring(lua_State *L)
{
	struct script_map *self = luaL_checkudata(L, 1, EBS_MAP_CLASS);

	lua_pushfstring(L, EBS_MAP_CLASS ": %s%s", self->map->name,
			is_open(self) ? "" : " (closed)");
	return 1;
}

// clang-format off
static const luaL_Reg methods[] = {
	{ "clear", ebs_map_clear_entries },
	{ "copy", ebs_map_copy },
	{ "count", ebs_map_count_entries },
	{ "delete", map_delete },
	{ "drain", ebs_map_drain },
	{ "get", map_get },
	{ "pairs", ebs_map_pairs },
	{ "set", map_set },
	{ NULL, NULL },
};
// clang-format on

static const luaL_Reg metamethods[] = {
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
}
