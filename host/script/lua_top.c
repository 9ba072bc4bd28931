// SPDX-License-Identifier: GPL-2.0-only
// map:top([n, [field, ...]]): the largest entries.
#include <errno.h>

#include "kernel/map_top.h"
#include "script/map.h"
#include "script/value_step.h"

#define TOP_CLASS "bpf.Top"
// Entries that are decoded whether a signal came or not: a few milliseconds.
#define DECODED_AT_ONCE 4096

// Owns what was kept while the map is walked and the entries are pushed.
static int top_gc(lua_State *L)
{
	ebs_map_top_free(luaL_checkudata(L, 1, TOP_CLASS));
	return 0;
}

static void check_number(lua_State *L, int index, const struct ebs_layout *layout, const char *name)
{
	if (ebs_map_top_can(layout))
		return;
	luaL_argerror(L, index,
		      lua_pushfstring(L, "'%s' (%s) is no number: entries can't be ordered by it",
				      name, layout->name));
}

// The fields that the arguments from index 3 on name; without any, the value as a whole.
static uint32_t read_fields(lua_State *L, const struct ebs_map *map, struct ebs_field *fields)
{
	const struct ebs_layout *layout = map->value;
	int count = lua_gettop(L) - 2;

	if (count > EBS_TOP_FIELDS)
		luaL_argerror(L, 3 + EBS_TOP_FIELDS,
			      lua_pushfstring(L, "at most %d fields", EBS_TOP_FIELDS));
	if (count > 0) {
		for (int i = 0; i < count; i++) {
			fields[i] = *ebs_check_value_field(L, i + 3, map);
			check_number(L, i + 3, fields[i].layout, fields[i].name);
		}
		return (uint32_t)count;
	}
	if (layout && layout->kind == EBS_RECORD)
		luaL_argerror(L, 3,
			      lua_pushfstring(L, "the field that orders %s expected: %s",
					      layout->name, ebs_push_field_names(L, layout)));
	if (!layout || map->kind->value != EBS_VALUE_PLAIN)
		luaL_argerror(
			L, 1,
			lua_pushfstring(L, "values of map '%s' are no numbers: they have no order",
					map->name));
	check_number(L, 1, layout, map->name);
	fields[0] = (struct ebs_field){ .name = map->name, .layout = layout };
	return 1;
}

static size_t read_limit(lua_State *L)
{
	if (lua_isnoneornil(L, 2))
		return SIZE_MAX;
	lua_Integer limit = luaL_checkinteger(L, 2);

	luaL_argcheck(L, limit > 0, 2, "a number of entries above 0, or nil for all, expected");
	return (size_t)limit;
}

// Pushes the list of entries, as map:copy() gives those of a map with structs as keys. The map is
// at index 1. Returns whether a signal left it without some.
static bool push_entries(lua_State *L, struct script_map *self, const struct ebs_map_top *top)
{
	const struct ebs_map *map = self->map;
	struct ebs_step key = ebs_step_value(map->key, map->key_size);
	struct ebs_error error = { 0 };

	lua_createtable(L, top->kept < INT32_MAX ? (int)top->kept : 0, 0); // list
	for (size_t i = 0; i < top->kept; i++) {
		if (i % DECODED_AT_ONCE == DECODED_AT_ONCE - 1 && ebs_interrupt_is_pending())
			return true;
		lua_createtable(L, 0, 2);                                       // list entry
		ebs_push_step(L, &key, ebs_map_top_key(top, i), map->key_size); // list entry key
		lua_setfield(L, -2, "key");                                     // list entry
		if (ebs_push_map_value(L, 1, self, ebs_map_top_value(top, i), &error)) // ... value
			ebs_raise(L, &error);
		lua_setfield(L, -2, "value"); // list entry
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return false;
}

// Walks over the whole map, unless a signal comes. Returns 1 when one did, 0, or -errno with
// `error` filled.
static int walk(struct ebs_map_walk *walk, struct ebs_map_top *top, struct ebs_error *error)
{
	struct ebs_map_batch batch;
	int result;

	do {
		if (ebs_interrupt_is_pending() && !ebs_map_walk_is_over(walk))
			return 1;
		result = ebs_map_walk_fill(walk, &batch, error);
		if (result > 0 && ebs_map_top_add(top, &batch))
			return ebs_error_errno(error, ENOMEM,
					       "can't order the entries of map \"%s\"",
					       top->map->name);
	} while (result > 0);
	return result;
}

int ebs_map_top_method(lua_State *L)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_WALK);
	struct ebs_field fields[EBS_TOP_FIELDS];
	struct ebs_error error = { 0 };
	size_t limit = read_limit(L);
	uint32_t count = read_fields(L, self->map, fields);

	struct ebs_map_top *top = lua_newuserdatauv(L, sizeof(*top), 0); // top
	ebs_map_top_init(top, self->map, limit, fields, count);
	luaL_setmetatable(L, TOP_CLASS);
	struct ebs_map_walk *map_walk = ebs_push_walk(L, self, &error); // top walk
	int result = map_walk ? walk(map_walk, top, &error) : -1;
	if (result < 0)
		return ebs_fail(L, &error);
	ebs_map_top_sort(top);
	bool cut = push_entries(L, self, top); // top walk list
	lua_pushinteger(L, (lua_Integer)top->seen);
	if (top->is_float)
		lua_pushnumber(L, top->float_sum);
	else
		lua_pushinteger(L, top->sum);
	lua_pushboolean(L, result || cut); // top walk list seen sum cut
	ebs_map_top_free(top);
	return 4;
}

void ebs_register_top(lua_State *L)
{
	static const luaL_Reg methods[] = { { NULL, NULL } };
	static const luaL_Reg metamethods[] = { { "__gc", top_gc }, { NULL, NULL } };

	ebs_new_class(L, TOP_CLASS, methods, metamethods);
}
