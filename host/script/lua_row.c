// SPDX-License-Identifier: GPL-2.0-only
// Lua values to the cells of a row.
#include "script/lua_row.h"

#include "output/record.h"
#include "script/value.h"

#define MAX_DEPTH 32 // of tables in each other

static bool has_own_text(lua_State *L, int index)
{
	int type = luaL_getmetafield(L, index, "__tostring"); // [field]

	if (type != LUA_TNIL)
		lua_pop(L, 1); // -
	return type != LUA_TNIL;
}

void ebs_prepare_cell(lua_State *L, int index)
{
	struct ebs_view_bytes view;

	switch (lua_type(L, index)) {
	case LUA_TNIL:
	case LUA_TBOOLEAN:
	case LUA_TNUMBER:
	case LUA_TSTRING:
		return;
	case LUA_TTABLE:
		if (!has_own_text(L, index))
			return;
		break;
	default:
		if (ebs_view_bytes(L, index, &view))
			return;
	}
	luaL_tolstring(L, index, NULL); // text
	lua_replace(L, index);          // -
}

static void add_value(lua_State *L, struct ebs_row *row, int argument, int depth);

// The table on the top: a list when it has a first element, or nothing at all.
static void add_list(lua_State *L, struct ebs_row *row, int argument, int depth)
{
	ebs_row_list_begin(row);
	for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) { // element
		add_value(L, row, argument, depth + 1);
		lua_pop(L, 1); // -
	}
	lua_pop(L, 1); // -
	ebs_row_list_end(row);
}

static int compare_keys(lua_State *L)
{
	lua_pushboolean(L, lua_compare(L, 1, 2, LUA_OPLT));
	return 1;
}

// Pushes the keys of the table on the top, as sorted strings.
static void push_keys(lua_State *L, int argument)
{
	int table = lua_gettop(L);
	lua_Integer count = 0;

	lua_newtable(L); // keys
	lua_pushnil(L);  // keys key
	while (lua_next(L, table)) {
		lua_pop(L, 1); // keys key
		if (lua_type(L, -1) != LUA_TSTRING)
			luaL_argerror(L, argument, "a table must be a list, or have names as keys");
		lua_pushvalue(L, -1);        // keys key key
		lua_rawseti(L, -3, ++count); // keys key
	}
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE); // keys loaded
	lua_getfield(L, -1, LUA_TABLIBNAME);                      // keys loaded table
	lua_getfield(L, -1, "sort");                              // keys loaded table sort
	lua_pushvalue(L, -4);
	lua_pushcfunction(L, compare_keys);
	lua_call(L, 2, 0); // keys loaded table
	lua_pop(L, 2);     // keys
}

static void add_record(lua_State *L, struct ebs_row *row, int argument, int depth)
{
	size_t size;

	push_keys(L, argument); // keys
	ebs_row_record_begin(row);
	for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) { // keys key
		const char *key = lua_tolstring(L, -1, &size);

		ebs_row_key(row, key, size);
		lua_rawget(L, -3); // keys value
		add_value(L, row, argument, depth + 1);
		lua_pop(L, 1); // keys
	}
	lua_pop(L, 2); // -
	ebs_row_record_end(row);
}

static void add_table(lua_State *L, struct ebs_row *row, int argument, int depth)
{
	bool is_list = lua_rawgeti(L, -1, 1) != LUA_TNIL; // first

	lua_pop(L, 1); // -
	if (!is_list) {
		lua_pushnil(L);
		is_list = !lua_next(L, -2); // [key value]
		lua_pop(L, is_list ? 0 : 2);
	}
	if (depth >= MAX_DEPTH)
		luaL_argerror(L, argument, "tables are nested too deeply, or contain themselves");
	luaL_checkstack(L, LUA_MINSTACK, "tables are nested too deeply");
	if (is_list)
		add_list(L, row, argument, depth);
	else
		add_record(L, row, argument, depth);
}

// The value on the top.
static void add_value(lua_State *L, struct ebs_row *row, int argument, int depth)
{
	struct ebs_view_bytes view;
	const char *data;
	size_t size;

	switch (lua_type(L, -1)) {
	case LUA_TNUMBER:
		if (lua_isinteger(L, -1))
			ebs_row_integer(row, lua_tointeger(L, -1));
		else
			ebs_row_number(row, lua_tonumber(L, -1));
		break;
	case LUA_TBOOLEAN:
		ebs_row_boolean(row, lua_toboolean(L, -1));
		break;
	case LUA_TNIL:
		ebs_row_null(row);
		break;
	case LUA_TSTRING:
		data = lua_tolstring(L, -1, &size);
		ebs_row_string(row, data, size);
		break;
	case LUA_TTABLE:
		add_table(L, row, argument, depth);
		break;
	default:
		if (!ebs_view_bytes(L, -1, &view))
			luaL_argerror(L, argument,
				      lua_pushfstring(L, "a table in a row can't hold a %s",
						      luaL_typename(L, -1)));
		ebs_row_value(row, view.layout, view.data, view.size);
	}
}

void ebs_add_cell(lua_State *L, struct ebs_row *row, int index)
{
	if (lua_type(L, index) == LUA_TNUMBER && lua_isinteger(L, index)) { // most are
		ebs_row_integer(row, lua_tointeger(L, index));
		return;
	}
	lua_pushvalue(L, index); // value
	add_value(L, row, index, 0);
	lua_pop(L, 1); // -
}
