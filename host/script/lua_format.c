// SPDX-License-Identifier: GPL-2.0-only
// The table bpf.format: functions from a value to its text, which columns know by their names.
#include "script/lua_format.h"

#include "output/format.h"

// Adds the name that the table at index 2 has for the value, if it has one.
static void add_name(lua_State *L, struct ebs_enum_names *names, int64_t value)
{
	if (lua_rawgeti(L, 2, value) == LUA_TSTRING) // name
		names->list[names->count++] = (struct ebs_enumerator){ value, lua_tostring(L, -1) };
	lua_pop(L, 1); // -
}

// Pushes what the table at index 2, as object:enum() gives it, has for the value, and for its bits.
static const struct ebs_enum_names *push_names(lua_State *L, int64_t value)
{
	size_t room = 1 + 64;
	struct ebs_enum_names *names;

	luaL_checktype(L, 2, LUA_TTABLE);
	names = lua_newuserdatauv(L, sizeof(*names) + room * sizeof(names->list[0]), 0); // names
	names->count = 0;
	add_name(L, names, value);
	for (int i = 0; i < 64; i++) {
		int64_t bit = (int64_t)(UINT64_C(1) << i);
		if (value & bit && value != bit)
			add_name(L, names, bit);
	}
	ebs_enum_names_sort(names);
	return names;
}

// bpf.format.NAME(value [, names]); upvalue 1 is the formatter.
static int format(lua_State *L)
{
	const struct ebs_formatter *formatter = lua_touserdata(L, lua_upvalueindex(1));
	char text[EBS_FORMATTED_SIZE];
	struct ebs_scalar value;
	size_t size;

	if (lua_type(L, 1) == LUA_TSTRING) {
		const char *data = lua_tolstring(L, 1, &size);
		value = ebs_scalar_bytes(data, size);
	} else {
		luaL_checktype(L, 1, LUA_TNUMBER);
		lua_Number number = lua_tonumber(L, 1);
		luaL_argcheck(L, lua_isinteger(L, 1) || (number > -0x1p63 && number < 0x1p63), 1,
			      "the number is too large");
		value = ebs_scalar_integer(lua_isinteger(L, 1) ? lua_tointeger(L, 1)
							       : (int64_t)number);
	}
	if (formatter->names)
		value.names = push_names(L, value.integer);
	size = formatter->format(text, &value, false);
	if (!size && formatter->names) // a value without a name
		lua_pushstring(L, luaL_tolstring(L, 1, NULL));
	else if (!size)
		return luaL_error(L, "bad argument #1 to 'bpf.format.%s' (it takes %s)",
				  formatter->name, formatter->takes);
	else
		lua_pushlstring(L, text, size);
	return 1;
}

const struct ebs_formatter *ebs_to_formatter(lua_State *L, int index)
{
	if (lua_tocfunction(L, index) != format)
		return NULL;
	lua_getupvalue(L, index, 1); // formatter
	const struct ebs_formatter *formatter = lua_touserdata(L, -1);
	lua_pop(L, 1); // -
	return formatter;
}

void ebs_push_formats(lua_State *L)
{
	lua_newtable(L); // formats
	for (const struct ebs_formatter *one = ebs_formatters; one->name; one++) {
		lua_pushlightuserdata(L, (void *)one); // formats formatter
		lua_pushcclosure(L, format, 1);        // formats function
		lua_setfield(L, -2, one->name);        // formats
	}
	lua_pushvalue(L, -1);                            // formats formats
	lua_setfield(L, LUA_REGISTRYINDEX, EBS_FORMATS); // formats
}
