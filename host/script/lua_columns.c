// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.Columns: rows to standard output.
#include <string.h>

#include "output/columns.h"
#include "script/bpf.h"
#include "script/script.h"
#include "script/standard_output.h"

#define CLASS "bpf.Columns"

// User value 1 is the function that writes a row's text, or nil.
struct script_columns {
	struct ebs_columns *columns;
	struct ebs_buffer out; // one row, memory reused
	bool json;
};

// bpf.columns(spec [, options])
int ebs_bpf_columns(lua_State *L)
{
	static const char *const names[] = { "json", "text", NULL };
	const char *spec = luaL_checkstring(L, 1);
	struct ebs_error error = { 0 };

	lua_settop(L, 2);
	if (lua_isnil(L, 2)) {
		lua_newtable(L);
		lua_replace(L, 2);
	}
	ebs_check_option_names(L, 2, names);
	struct script_columns *self = lua_newuserdatauv(L, sizeof(*self), 1); // columns
	*self = (struct script_columns){ 0 };
	luaL_setmetatable(L, CLASS);
	lua_getfield(L, 2, "json"); // columns json
	self->json = ebs_state(L)->options->json || lua_toboolean(L, -1);
	int text = lua_getfield(L, 2, "text"); // columns json text
	luaL_argcheck(L, text == LUA_TNIL || text == LUA_TFUNCTION, 2,
		      "option 'text' must be a function");
	lua_setiuservalue(L, -3, 1); // columns json
	lua_pop(L, 1);               // columns
	self->columns = ebs_columns_new(spec, self->json, &error);
	if (!self->columns)
		return ebs_raise_argument(L, 1, &error);
	return 1;
}

static int write_out(lua_State *L, struct script_columns *self)
{
	if (self->out.failed) {
		ebs_buffer_free(&self->out);
		return luaL_error(L, "not enough memory for a row");
	}
	ebs_standard_output_write(self->out.data, self->out.size);
	return 0;
}

static int columns_header(lua_State *L)
{
	struct script_columns *self = luaL_checkudata(L, 1, CLASS);

	lua_getiuservalue(L, 1, 1); // text
	if (self->json || !lua_isnil(L, -1))
		return 0;
	ebs_buffer_clear(&self->out);
	ebs_columns_header(self->columns, &self->out);
	return write_out(L, self);
}

static void add_scalar(lua_State *L, struct ebs_row *row, int index)
{
	size_t size;
	const char *data;

	switch (lua_type(L, index)) {
	case LUA_TNUMBER:
		if (lua_isinteger(L, index))
			ebs_row_integer(row, lua_tointeger(L, index));
		else
			ebs_row_number(row, lua_tonumber(L, index));
		break;
	case LUA_TBOOLEAN:
		ebs_row_boolean(row, lua_toboolean(L, index));
		break;
	case LUA_TNIL:
		ebs_row_null(row);
		break;
	default:
		data = luaL_tolstring(L, index, &size); // text
		ebs_row_string(row, data, size);
		lua_pop(L, 1); // -
	}
}

static void add_list(lua_State *L, struct ebs_row *row, int index)
{
	ebs_row_list_begin(row);
	for (lua_Integer i = 1; lua_rawgeti(L, index, i) != LUA_TNIL; i++) { // element
		if (lua_istable(L, -1))
			luaL_argerror(L, index, "a list's elements can't be tables");
		add_scalar(L, row, lua_gettop(L));
		lua_pop(L, 1); // -
	}
	lua_pop(L, 1); // -
	ebs_row_list_end(row);
}

// A row whose text the script makes itself: calls the function on the top with the values above
// index 1.
static int write_text(lua_State *L)
{
	size_t size;

	lua_replace(L, 1);                 // text values...
	lua_call(L, lua_gettop(L) - 1, 1); // line
	const char *line = lua_tolstring(L, -1, &size);
	if (!line)
		return luaL_error(L, "the function of option 'text' must return a string");
	ebs_standard_output_write(line, size);
	ebs_standard_output_write("\n", 1);
	return 0;
}

static int columns_row(lua_State *L)
{
	struct script_columns *self = luaL_checkudata(L, 1, CLASS);
	int count = lua_gettop(L);
	struct ebs_row row;

	luaL_argcheck(L, (size_t)count - 1 <= ebs_columns_count(self->columns), count,
		      "more values than columns");
	if (!self->json && lua_getiuservalue(L, 1, 1) == LUA_TFUNCTION) // ... text
		return write_text(L);
	ebs_buffer_clear(&self->out);
	ebs_row_begin(&row, self->columns, &self->out);
	for (int i = 2; i <= count; i++) {
		if (lua_istable(L, i))
			add_list(L, &row, i);
		else
			add_scalar(L, &row, i);
	}
	ebs_row_end(&row);
	return write_out(L, self);
}

// columns:record(values): a row from a table or a view, by the columns' names.
static int columns_record(lua_State *L)
{
	struct script_columns *self = luaL_checkudata(L, 1, CLASS);
	size_t count = ebs_columns_count(self->columns);

	luaL_argexpected(L, lua_istable(L, 2) || lua_isuserdata(L, 2), 2, "table or view");
	lua_settop(L, 2);
	if (!self->json && lua_getiuservalue(L, 1, 1) == LUA_TFUNCTION) // self values text
		return write_text(L);
	lua_settop(L, 2);
	luaL_checkstack(L, (int)count + LUA_MINSTACK, "too many columns");
	for (size_t i = 0; i < count; i++)
		lua_getfield(L, 2, ebs_columns_name(self->columns, i)); // ... value
	lua_remove(L, 2);
	return columns_row(L);
}

static int columns_index(lua_State *L)
{
	struct script_columns *self = luaL_checkudata(L, 1, CLASS);
	const char *key = luaL_checkstring(L, 2);

	if (strcmp(key, "json") == 0)
		lua_pushboolean(L, self->json);
	else
		lua_getfield(L, lua_upvalueindex(1), key);
	return 1;
}

static int columns_gc(lua_State *L)
{
	struct script_columns *self = luaL_checkudata(L, 1, CLASS);

	ebs_columns_free(self->columns);
	ebs_buffer_free(&self->out);
	self->columns = NULL;
	return 0;
}

static const luaL_Reg methods[] = {
	{ "header", columns_header },
	{ "record", columns_record },
	{ "row", columns_row },
	{ NULL, NULL },
};

static const luaL_Reg metamethods[] = {
	{ "__gc", columns_gc },
	{ "__index", columns_index },
	{ NULL, NULL },
};

void ebs_register_columns(lua_State *L)
{
	ebs_new_class(L, CLASS, methods, metamethods);
}
