// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.Program.
#include <string.h>

#include "kernel/pin.h"
#include "script/object.h"

struct script_program {
	struct ebs_program *program;
	struct script_object *object; // kept alive by user value 1
};

void ebs_push_program(lua_State *L, int index, struct ebs_program *program)
{
	index = lua_absindex(L, index);
	ebs_refuse_at_end(L);
	struct script_program *self = lua_newuserdatauv(L, sizeof(*self), 1); // program

	self->program = program;
	self->object = lua_touserdata(L, index);
	lua_pushvalue(L, index);     // program object
	lua_setiuservalue(L, -2, 1); // program
	luaL_setmetatable(L, EBS_PROGRAM_CLASS);
}

static struct script_program *check_program(lua_State *L, int index)
{
	struct script_program *self = luaL_checkudata(L, index, EBS_PROGRAM_CLASS);

	if (!self->object->open)
		luaL_argerror(L, index, "the program's object is closed");
	return self;
}

struct ebs_program *ebs_check_program(lua_State *L, int index)
{
	return check_program(L, index)->program;
}

// The text at the top of the stack. The kernel's calls take texts up to their first NUL.
static const char *check_text(lua_State *L, int index, const struct ebs_attach_option_info *option)
{
	size_t size;
	const char *text = lua_tolstring(L, -1, &size);

	if (strlen(text) != size)
		luaL_argerror(
			L, index,
			lua_pushfstring(L, "option '%s' has a NUL byte in a name", option->name));
	return text;
}

// Whether the table at the top has the keys 1 to its length, and no other.
static bool is_sequence(lua_State *L)
{
	lua_Unsigned keys = 0;

	for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
		keys++;
	return keys == lua_rawlen(L, -1);
}

// A string, or a sequence of strings, at the top. Replaces it by a table of the strings and the
// array of their texts, which are there as long as both are on the stack.
static void read_list(lua_State *L, int index, const struct ebs_attach_option_info *option,
		      struct ebs_attach_value *value)
{
	int list = lua_gettop(L);
	bool is_table = lua_istable(L, list);
	lua_Unsigned count = is_table ? lua_rawlen(L, list) : 1;

	luaL_checkstack(L, 8, "too many options");
	if (is_table && !is_sequence(L))
		luaL_argerror(
			L, index,
			lua_pushfstring(L, "option '%s' must be a list of strings", option->name));
	if (!count)
		luaL_argerror(L, index,
			      lua_pushfstring(L, "option '%s' is an empty list", option->name));
	if (count > INT32_MAX)
		luaL_argerror(L, index,
			      lua_pushfstring(L, "option '%s' is too long", option->name));
	lua_createtable(L, (int)count, 0);                                    // list kept
	const char **items = lua_newuserdatauv(L, count * sizeof(*items), 0); // list kept items
	for (lua_Unsigned i = 0; i < count; i++) {
		if (is_table)
			lua_rawgeti(L, list, (lua_Integer)i + 1);
		else
			lua_pushvalue(L, list); // list kept items text
		if (lua_type(L, -1) != LUA_TSTRING)
			luaL_argerror(L, index,
				      lua_pushfstring(L,
						      is_table ? "option '%s' must be a list of "
								 "strings"
							       : "option '%s' must be a string, "
								 "or a list of strings",
						      option->name));
		items[i] = check_text(L, index, option);
		lua_rawseti(L, list + 1, (lua_Integer)i + 1); // list kept items
	}
	lua_remove(L, list); // kept items
	value->items = items;
	value->count = (uint32_t)count;
	value->text = items[0];
}

static void check_number(lua_State *L, int index, const struct ebs_attach_option_info *option)
{
	lua_Integer number = lua_tointeger(L, -1);
	bool any = !option->low && !option->high;

	if (!lua_isinteger(L, -1))
		luaL_argerror(L, index,
			      lua_pushfstring(L, "option '%s' must be an integer", option->name));
	if (!any && (number < option->low || number > option->high))
		luaL_argerror(L, index,
			      lua_pushfstring(L, "option '%s' must be from %I to %I", option->name,
					      (LUAI_UACINT)option->low, (LUAI_UACINT)option->high));
}

static void refuse_type(lua_State *L, int index, const struct ebs_attach_option_info *option,
			const char *type)
{
	luaL_argerror(L, index, lua_pushfstring(L, "option '%s' must be a %s", option->name, type));
}

// The value at the top, which isn't nil. Pops it, unless it is a list: that leaves what its
// elements live in.
static void read_option(lua_State *L, int index, const struct ebs_attach_option_info *option,
			struct ebs_attach_value *value)
{
	value->given = true;
	if (option->is_list) {
		read_list(L, index, option, value); // kept items
		return;
	}
	if (option->is_number) {
		check_number(L, index, option);
		value->number = lua_tointeger(L, -1);
	} else if (option->is_boolean) {
		if (!lua_isboolean(L, -1))
			refuse_type(L, index, option, "boolean");
		value->number = lua_toboolean(L, -1);
	} else {
		if (lua_type(L, -1) != LUA_TSTRING)
			refuse_type(L, index, option, "string");
		value->text = check_text(L, index, option); // the table keeps it
	}
	lua_pop(L, 1); // -
}

// Leaves the lists on the stack, as long as the options are used.
static void read_options(lua_State *L, int index, struct ebs_attach_options *options)
{
	const char *names[EBS_ATTACH_OPTIONS + 1] = { NULL };

	for (int i = 0; i < EBS_ATTACH_OPTIONS; i++)
		names[i] = ebs_attach_option_infos[i].name;
	ebs_check_option_names(L, index, names);
	for (int i = 0; i < EBS_ATTACH_OPTIONS; i++) {
		const struct ebs_attach_option_info *info = &ebs_attach_option_infos[i];

		if (lua_getfield(L, index, info->name) == LUA_TNIL) // value
			lua_pop(L, 1);                              // -
		else
			read_option(L, index, info, &options->values[i]);
	}
}

static int program_attach(lua_State *L)
{
	struct script_program *self = check_program(L, 1);
	struct ebs_attach_options options = { 0 };
	struct ebs_error error = { 0 };

	if (!lua_isnoneornil(L, 2))
		read_options(L, 2, &options);
	lua_getiuservalue(L, 1, 1); // object
	if (ebs_push_new_link(L, -1, self->program, &options, &error))
		return ebs_fail(L, &error);
	return 1; // object link
}

// The context: bytes, or for raw tracepoints a sequence of integers. Leaves its bytes on the stack.
static const char *read_context(lua_State *L, size_t *size)
{
	luaL_Buffer bytes;

	if (lua_getfield(L, 2, "context") != LUA_TTABLE)
		return luaL_optlstring(L, -1, "", size);
	int list = lua_gettop(L);
	luaL_buffinit(L, &bytes);
	for (lua_Unsigned i = 1; i <= lua_rawlen(L, list); i++) {
		lua_rawgeti(L, list, (lua_Integer)i);
		uint64_t number = (uint64_t)luaL_checkinteger(L, -1);
		lua_pop(L, 1);
		luaL_addlstring(&bytes, (const char *)&number, sizeof(number));
	}
	luaL_pushresult(&bytes); // list bytes
	lua_replace(L, list);    // bytes
	return lua_tolstring(L, list, size);
}

static void set_bytes(lua_State *L, const char *name, const struct ebs_buffer *bytes)
{
	lua_pushlstring(L, bytes->data ? bytes->data : "", bytes->size);
	lua_setfield(L, -2, name);
}

static int push_test_result(lua_State *L)
{
	const struct ebs_test_result *result = lua_touserdata(L, 1);

	lua_createtable(L, 0, 4); // table
	set_bytes(L, "data", &result->data);
	set_bytes(L, "context", &result->context);
	lua_pushinteger(L, result->return_value);
	lua_setfield(L, -2, "return_value");
	lua_pushinteger(L, result->duration);
	lua_setfield(L, -2, "duration_ns");
	return 1;
}

// program:test_run{ data = bytes, context = bytes, repeat_count = n }
//	-> { return_value, data, context, duration_ns }
static int program_test_run(lua_State *L)
{
	static const char *const names[] = { "data", "context", "repeat_count", NULL };
	struct script_program *self = check_program(L, 1);
	struct ebs_test_input input = { .data = "", .context = "", .repeat = 1 };
	struct ebs_test_result result;
	struct ebs_error error = { 0 };

	lua_settop(L, 2);
	if (!lua_isnil(L, 2)) {
		ebs_check_option_names(L, 2, names);
		lua_getfield(L, 2, "data"); // data
		input.data = luaL_optlstring(L, 3, "", &input.data_size);
		lua_getfield(L, 2, "repeat_count"); // data repeat
		lua_Integer repeat = luaL_optinteger(L, 4, 1);
		luaL_argcheck(L, repeat >= 1 && repeat <= INT32_MAX, 2,
			      "repeat_count must be at least 1");
		input.repeat = (uint32_t)repeat;
		input.context = read_context(L, &input.context_size); // data repeat context
	}
	bool tried = false;
	int failed;
	do
		failed = ebs_program_test_run(self->program, &input, &result, &error);
	while (failed && (ebs_test_result_free(&result), ebs_try_again(L, &error, &tried)));
	lua_pushcfunction(L, push_test_result); // function
	lua_pushlightuserdata(L, &result);      // function result
	int status = failed ? LUA_OK : lua_pcall(L, 1, 1, 0);
	ebs_test_result_free(&result);
	if (failed)
		return ebs_fail(L, &error);
	return status == LUA_OK ? 1 : lua_error(L);
}

static int program_pin(lua_State *L)
{
	struct script_program *self = check_program(L, 1);
	struct ebs_error error = { 0 };

	if (ebs_program_pin(self->program, luaL_checkstring(L, 2), &error))
		return ebs_fail(L, &error);
	lua_pushboolean(L, true);
	return 1;
}

static int program_index(lua_State *L)
{
	struct script_program *self = luaL_checkudata(L, 1, EBS_PROGRAM_CLASS);
	const char *key = luaL_checkstring(L, 2);
	bool is_name = strcmp(key, "name") == 0;
	bool is_section = strcmp(key, "section") == 0;

	if ((is_name || is_section) && !self->object->handle)
		luaL_argerror(L, 1, "the program's object is closed");
	if (is_name)
		lua_pushstring(L, self->program->name);
	else if (is_section)
		lua_pushstring(L, self->program->section);
	else
		lua_getfield(L, lua_upvalueindex(1), key);
	return 1;
}

static int program_tostring(lua_State *L)
{
	struct script_program *self = luaL_checkudata(L, 1, EBS_PROGRAM_CLASS);

	if (self->object->handle)
		lua_pushfstring(L, EBS_PROGRAM_CLASS ": %s%s", self->program->name,
				self->object->open ? "" : " (closed)");
	else
		lua_pushliteral(L, EBS_PROGRAM_CLASS " (closed)");
	return 1;
}

static const luaL_Reg methods[] = {
	{ "attach", program_attach },
	{ "pin", program_pin },
	{ "test_run", program_test_run },
	{ NULL, NULL },
};

static const luaL_Reg metamethods[] = {
	{ "__index", program_index },
	{ "__tostring", program_tostring },
	{ NULL, NULL },
};

void ebs_register_program(lua_State *L)
{
	ebs_new_class(L, EBS_PROGRAM_CLASS, methods, metamethods);
}
