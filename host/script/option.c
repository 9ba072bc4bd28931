// SPDX-License-Identifier: GPL-2.0-only
// Tables of named options: an unknown name is a mistake, and says so.
#include <string.h>

#include "script/state.h"

static bool is_among(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

void ebs_check_option_names(lua_State *L, int index, const char *const *names)
{
	luaL_checktype(L, index, LUA_TTABLE);
	lua_pushnil(L);              // key
	while (lua_next(L, index)) { // key value
		lua_pop(L, 1);       // key
		const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
		if (name && is_among(name, names))
			continue;

		luaL_Buffer known;
		const char *shown = luaL_tolstring(L, -1, NULL); // key shown
		luaL_buffinit(L, &known);
		for (int i = 0; names[i]; i++) {
			luaL_addstring(&known, i ? ", " : "");
			luaL_addstring(&known, names[i]);
		}
		luaL_pushresult(&known); // key shown known
		luaL_argerror(L, index,
			      lua_pushfstring(L, "there is no option '%s': options are %s", shown,
					      lua_tostring(L, -1)));
	}
}

const char *ebs_text_option(lua_State *L, int argument, int index, const char *name, size_t *size)
{
	int type = lua_getfield(L, index, name); // value

	if (type != LUA_TNIL && type != LUA_TSTRING)
		luaL_argerror(L, argument,
			      lua_pushfstring(L, "option '%s' must be a string", name));
	const char *text = lua_tolstring(L, -1, size);
	lua_pop(L, 1); // -
	return text;
}
