// SPDX-License-Identifier: GPL-2.0-only
// require(): modules beside the script, then those of the usual places; each only where nobody else
// could have put it there.
#include "script/modules.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/trust.h"
#include "script/state.h"

// Relative entries go: a module must never come from where somebody happens to stand.
static void keep_absolute(lua_State *L, const char *field)
{
	luaL_Buffer kept;
	bool first = true;

	lua_getglobal(L, "package"); // package
	lua_getfield(L, -1, field);  // package path
	const char *path = luaL_optstring(L, -1, "");
	luaL_buffinit(L, &kept);
	while (*path) {
		size_t length = strcspn(path, ";");
		if (*path == '/') {
			if (!first)
				luaL_addchar(&kept, ';');
			luaL_addlstring(&kept, path, length);
			first = false;
		}
		path += length + (path[length] == ';');
	}
	luaL_pushresult(&kept);     // package path kept
	lua_setfield(L, -3, field); // package path
	lua_pop(L, 2);              // -
}

// Pushes the path of a file that is there and trusted, and returns true; else adds to the text at
// index `reasons` why it isn't taken.
static bool try_file(lua_State *L, const char *file, int reasons)
{
	struct ebs_error error = { 0 };

	if (access(file, R_OK)) {
		lua_pushfstring(L, "%s\n\tno file '%s'", lua_tostring(L, reasons), file);
	} else if (ebs_trust_path(file, EBS_TRUST_FOUND, &error)) {
		lua_pushfstring(L, "%s\n\tfile '%s' is not read: %s", lua_tostring(L, reasons),
				file, ebs_error_text(&error));
		ebs_error_clear(&error);
	} else {
		lua_pushstring(L, file); // file
		return true;
	}
	lua_replace(L, reasons);
	return false;
}

// The first of a list of templates whose file is there and trusted: pushes it and returns true.
// `name` has slashes already.
static bool search(lua_State *L, const char *templates, const char *name, int reasons)
{
	while (*templates) {
		size_t length = strcspn(templates, ";");

		if (length) {
			lua_pushlstring(L, templates, length); // template
			const char *file =
				luaL_gsub(L, lua_tostring(L, -1), "?", name); // template file
			lua_remove(L, -2);                                    // file
			bool found = try_file(L, file, reasons);              // file found?
			lua_remove(L, found ? -2 : -1);
			if (found)
				return true;
		}
		templates += length + (templates[length] == ';');
	}
	return false;
}

// No templates, as a folder's name may have any letter in it.
static bool search_beside(lua_State *L, const char *name, int reasons)
{
	static const char *const forms[] = { "%s/%s.lua", "%s/%s/init.lua" };
	const char *directory = ebs_state(L)->directory;

	for (size_t i = 0; directory && i < sizeof(forms) / sizeof(forms[0]); i++) {
		const char *file =
			lua_pushfstring(L, forms[i], strcmp(directory, "/") ? directory : "",
					name);           // file
		bool found = try_file(L, file, reasons); // file found?

		lua_remove(L, found ? -2 : -1);
		if (found)
			return true;
	}
	return false;
}

static const char *path_field(lua_State *L, const char *field)
{
	lua_getfield(L, lua_upvalueindex(1), field); // path
	const char *path = lua_tostring(L, -1);

	if (!path)
		luaL_error(L, "'package.%s' must be a string", field);
	return path;
}

// (name) -> loader, file | reasons. Upvalue 1 is the table package.
static int search_lua(lua_State *L)
{
	const char *name = luaL_gsub(L, luaL_checkstring(L, 1), ".", "/"); // name slashes

	lua_pushliteral(L, ""); // name slashes reasons
	const char *path = path_field(L, "path");
	if (!search_beside(L, name, 3) && !search(L, path, name, 3)) {
		lua_pushvalue(L, 3);
		return 1;
	}
	const char *file = lua_tostring(L, -1); // ... file
	if (luaL_loadfilex(L, file, "t"))       // ... file loader
		return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s",
				  lua_tostring(L, 1), file, lua_tostring(L, -1));
	lua_insert(L, -2); // ... loader file
	return 2;
}

// Lua's own searcher of C modules, upvalue 2, finds the same file again: nobody else could have put
// another one there. Upvalue 3: it looks for a module's root.
static int search_c(lua_State *L)
{
	const char *module = luaL_checkstring(L, 1);
	size_t length =
		lua_toboolean(L, lua_upvalueindex(3)) ? strcspn(module, ".") : strlen(module);

	lua_settop(L, 1);
	lua_pushlstring(L, module, length);                            // name root
	const char *name = luaL_gsub(L, lua_tostring(L, 2), ".", "/"); // name root slashes
	lua_pushliteral(L, "");                                        // name root slashes reasons
	const char *path = path_field(L, "cpath");                     // ... reasons path
	if (!search(L, path, name, 4)) {
		lua_pushvalue(L, 4);
		return 1;
	}
	lua_pushvalue(L, lua_upvalueindex(2));
	lua_pushvalue(L, 1);
	lua_call(L, 1, 2);
	return 2;
}

void ebs_modules_ignore_environment(lua_State *L)
{
	if (!ebs_environment_is_foreign())
		return;
	lua_pushboolean(L, true);
	lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV"); // as the lua program's -E
}

void ebs_modules_open(lua_State *L)
{
	keep_absolute(L, "path");
	keep_absolute(L, "cpath");
	lua_getglobal(L, "package");        // package
	lua_getfield(L, -1, "searchers");   // package searchers
	lua_pushvalue(L, -2);               // package searchers package
	lua_pushcclosure(L, search_lua, 1); // package searchers searcher
	lua_rawseti(L, -2, 2);              // package searchers
	for (int i = 3; i <= 4; i++) {
		lua_pushvalue(L, -2);             // package searchers package
		lua_rawgeti(L, -2, i);            // package searchers package searcher
		lua_pushboolean(L, i == 4);       // package searchers package searcher root
		lua_pushcclosure(L, search_c, 3); // package searchers searcher
		lua_rawseti(L, -2, i);            // package searchers
	}
	lua_pop(L, 2); // -
}
