// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.Columns: rows to standard output.
#include "script/columns.h"

#include <string.h>

#include "script/bpf.h"
#include "script/lua_format.h"
#include "script/lua_row.h"
#include "script/script.h"
#include "script/standard_output.h"

#define COLUMNS_BYTES 4096 // of some columns, and a row

struct script_columns *ebs_to_columns(lua_State *L, int index)
{
	const struct ebs_state *state = ebs_state(L);

	if (!lua_getmetatable(L, index)) // metatable
		return NULL;
	const void *class = lua_topointer(L, -1);
	lua_pop(L, 1); // -
	if (class != state->columns_class && class != state->json_columns_class)
		return NULL;
	return lua_touserdata(L, index);
}

void ebs_columns_check_open(lua_State *L, const struct script_columns *self)
{
	if (!self->columns)
		luaL_error(L, EBS_COLUMNS_CLOSED);
}

static struct script_columns *check_columns(lua_State *L, int index)
{
	struct script_columns *self = ebs_to_columns(L, index);

	if (!self)
		luaL_checkudata(L, index, EBS_COLUMNS_CLASS);
	else if (!self->columns)
		luaL_argerror(L, index, EBS_COLUMNS_CLOSED);
	return self;
}

// Looks the names behind | up in bpf.format, where scripts may have added to it.
static void find_formats(lua_State *L, struct script_columns *self, int argument)
{
	lua_getfield(L, LUA_REGISTRYINDEX, EBS_FORMATS); // columns formats
	lua_newtable(L);                                 // columns formats own
	for (size_t i = 0; i < ebs_columns_count(self->columns); i++) {
		const char *name = ebs_columns_format(self->columns, i);

		if (!name)
			continue;
		if (lua_getfield(L, -2, name) != LUA_TFUNCTION) // columns formats own function
			luaL_argerror(
				L, 1,
				lua_pushfstring(L, "there is no formatter bpf.format.%s", name));
		const struct ebs_formatter *formatter = ebs_to_formatter(L, -1);
		ebs_columns_set_formatter(self->columns, i, formatter);
		self->own_formats |= !formatter && !self->json;
		if (formatter)
			lua_pop(L, 1); // columns formats own
		else
			lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	lua_setiuservalue(L, -3, EBS_COLUMNS_FORMATS); // columns formats
	lua_pop(L, 1);                                 // columns
}

void ebs_columns_push(lua_State *L, const char *spec, int options, int argument)
{
	ebs_refuse_at_end(L);
	struct script_columns *self =
		lua_newuserdatauv(L, sizeof(*self), EBS_COLUMNS_VALUES); // columns
	struct ebs_error error = { 0 };
	bool tried = false;

	*self = (struct script_columns){ .json = ebs_state(L)->options->json };
	luaL_setmetatable(L, EBS_COLUMNS_CLASS); // so that it is freed, whatever comes
	if (options) {
		lua_getfield(L, options, "json"); // columns json
		self->json |= lua_toboolean(L, -1);
		int text = lua_getfield(L, options, "text"); // columns json text
		luaL_argcheck(L, text == LUA_TNIL || text == LUA_TFUNCTION, options,
			      "option 'text' must be a function");
		self->own_text = text == LUA_TFUNCTION && !self->json;
		lua_setiuservalue(L, -3, EBS_COLUMNS_TEXT); // columns json
		lua_pop(L, 1);                              // columns
	}
	ebs_state(L)->json |= self->json;
	if (self->json)
		luaL_setmetatable(L, EBS_JSON_COLUMNS_CLASS);
	ebs_make_room(L);
	do
		self->columns = ebs_columns_new(spec, self->json, &error);
	while (!self->columns && ebs_try_again(L, &error, &tried));
	if (!self->columns)
		ebs_raise_argument(L, argument, &error);
	ebs_weigh(ebs_state(L), &self->weight, (struct ebs_weight){ .bytes = COLUMNS_BYTES });
	find_formats(L, self, argument);
}

// bpf.columns(spec [, options])
int ebs_bpf_columns(lua_State *L)
{
	static const char *const names[] = { "json", "text", NULL };
	const char *spec = luaL_checkstring(L, 1);

	lua_settop(L, 2);
	if (!lua_isnil(L, 2))
		ebs_check_option_names(L, 2, names);
	ebs_columns_push(L, spec, lua_isnil(L, 2) ? 0 : 2, 1);
	return 1;
}

void ebs_columns_write(lua_State *L, struct script_columns *self)
{
	if (self->out.failed) {
		ebs_buffer_free(&self->out);
		luaL_error(L, "not enough memory for a row");
	}
	ebs_standard_output_write(self->out.data, self->out.size);
}

static int columns_header(lua_State *L)
{
	struct script_columns *self = check_columns(L, 1);

	if (self->json || self->own_text)
		return 0;
	ebs_buffer_clear(&self->out);
	ebs_columns_header(self->columns, &self->out);
	ebs_columns_write(L, self);
	return 0;
}

// A row whose text the script makes itself: calls its function with the values above index 1.
static int write_text(lua_State *L)
{
	size_t size;

	lua_getiuservalue(L, 1, EBS_COLUMNS_TEXT); // columns values... text
	lua_replace(L, 1);                         // text values...
	lua_call(L, lua_gettop(L) - 1, 1);         // line
	const char *line = lua_tolstring(L, -1, &size);
	if (!line)
		return luaL_error(L, "the function of option 'text' must return a string");
	ebs_standard_output_write(line, size);
	ebs_standard_output_write("\n", 1);
	return 0;
}

void ebs_columns_format_own(lua_State *L, size_t column, int index)
{
	if (lua_isnil(L, index))
		return;
	lua_getiuservalue(L, 1, EBS_COLUMNS_FORMATS); // formats
	lua_rawgeti(L, -1, (lua_Integer)column + 1);  // formats function
	lua_pushvalue(L, index);                      // formats function value
	lua_call(L, 1, 1);                            // formats text
	ebs_columns_check_open(L, lua_touserdata(L, 1));
	if (!lua_isstring(L, -1))
		luaL_error(
			L, "bpf.format.%s() must return a string, not a %s",
			ebs_columns_format(((struct script_columns *)lua_touserdata(L, 1))->columns,
					   column),
			luaL_typename(L, -1));
	lua_replace(L, index); // formats
	lua_pop(L, 1);         // -
}

// Writes the values from index 2 on.
static int write_values(lua_State *L, struct script_columns *self)
{
	int last = lua_gettop(L);
	struct ebs_row row;

	for (int i = 2; i <= last; i++) {
		if (ebs_columns_is_own(self, i - 2))
			ebs_columns_format_own(L, i - 2, i);
		else
			ebs_prepare_cell(L, i);
	}
	ebs_columns_check_open(L, self); // what the script has for a value may do anything
	ebs_buffer_clear(&self->out);
	ebs_row_begin(&row, self->columns, &self->out);
	for (int i = 2; i <= last; i++)
		ebs_add_cell(L, &row, i);
	ebs_row_end(&row);
	ebs_columns_write(L, self);
	return 0;
}

static int columns_row(lua_State *L)
{
	struct script_columns *self = check_columns(L, 1);
	int count = lua_gettop(L);

	luaL_argcheck(L, (size_t)count - 1 <= ebs_columns_count(self->columns), count,
		      "more values than columns");
	return self->own_text ? write_text(L) : write_values(L, self);
}

// Pushes the value that the table at index 2 has for a column: by its name, or by the parts of
// "peer.port".
static void push_named(lua_State *L, const char *name)
{
	const char *dot = strchr(name, '.');

	if (lua_getfield(L, 2, name) != LUA_TNIL || !dot) // value
		return;
	lua_pop(L, 1);
	lua_pushvalue(L, 2); // table
	for (;;) {
		if (!lua_istable(L, -1)) {
			lua_pop(L, 1);
			lua_pushnil(L); // nil
			return;
		}
		lua_pushlstring(L, name, dot ? (size_t)(dot - name) : strlen(name));
		lua_gettable(L, -2); // table value
		lua_remove(L, -2);   // value
		if (!dot)
			return;
		name = dot + 1;
		dot = strchr(name, '.');
	}
}

// columns:record(values): a row from a table or a view, by the columns' names.
int ebs_columns_record(lua_State *L)
{
	struct script_columns *self = check_columns(L, 1);
	size_t count = ebs_columns_count(self->columns);
	struct ebs_view_bytes view;

	lua_settop(L, 2);
	bool is_view = ebs_view_bytes(L, 2, &view);
	luaL_argexpected(L, is_view || lua_istable(L, 2), 2, "table or view");
	if (self->own_text)
		return write_text(L);
	if (is_view) {
		ebs_columns_write_view(L, self);
		return 0;
	}
	luaL_checkstack(L, (int)count + LUA_MINSTACK, "too many columns");
	for (size_t i = 0; i < count; i++)
		push_named(L, ebs_columns_name(self->columns, i)); // ... value
	lua_remove(L, 2);
	return write_values(L, self);
}

static int columns_gc(lua_State *L)
{
	struct script_columns *self = ebs_to_columns(L, 1);

	if (!self)
		return 0;
	for (int i = 0; i < EBS_COLUMNS_TYPES; i++) {
		ebs_record_free(self->records[i]);
		self->records[i] = NULL;
	}
	ebs_columns_free(self->columns);
	ebs_buffer_free(&self->out);
	ebs_weigh(ebs_state(L), &self->weight, (struct ebs_weight){ 0 });
	self->columns = NULL;
	return 0;
}

static const luaL_Reg methods[] = {
	{ "header", columns_header },
	{ "record", ebs_columns_record },
	{ "row", columns_row },
	{ NULL, NULL },
};

static const luaL_Reg metamethods[] = {
	{ "__gc", columns_gc },
	{ NULL, NULL },
};

// Behind the methods stands what doesn't change in the columns of a class: columns.json. So a
// method is found, once for each row, without a call. Returns the class's address.
static const void *register_class(lua_State *L, const char *name, bool json)
{
	ebs_new_class(L, name, methods, metamethods);
	luaL_getmetatable(L, name);     // class
	lua_getfield(L, -1, "__index"); // class methods
	lua_createtable(L, 0, 1);       // class methods behind
	lua_createtable(L, 0, 1);       // class methods behind properties
	lua_pushboolean(L, json);
	lua_setfield(L, -2, "json");
	lua_setfield(L, -2, "__index"); // class methods behind
	lua_setmetatable(L, -2);        // class methods
	const void *class = lua_topointer(L, -2);
	lua_pop(L, 2); // -
	return class;
}

void ebs_register_columns(lua_State *L)
{
	struct ebs_state *state = ebs_state(L);

	state->columns_class = register_class(L, EBS_COLUMNS_CLASS, false);
	state->json_columns_class = register_class(L, EBS_JSON_COLUMNS_CLASS, true);
}
