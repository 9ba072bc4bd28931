// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.Globals: object.globals.
#include "kernel/globals.h"

#include <string.h>

#include "script/object.h"
#include "script/value.h"

// Userdata with nothing in it; user value 1 is the object.
#define CLASS "bpf.Globals"

void ebs_push_globals(lua_State *L, int index)
{
	index = lua_absindex(L, index);
	lua_newuserdatauv(L, 0, 1);  // globals
	lua_pushvalue(L, index);     // globals object
	lua_setiuservalue(L, -2, 1); // globals
	luaL_setmetatable(L, CLASS);
}

// The object whose variables are at index 1. They keep it alive.
static struct script_object *check_globals(lua_State *L)
{
	luaL_checkudata(L, 1, CLASS);
	lua_getiuservalue(L, 1, 1); // object
	struct script_object *object = lua_touserdata(L, -1);
	lua_pop(L, 1); // -
	if (!object->open)
		luaL_argerror(L, 1, "the object is closed");
	return object;
}

static const struct ebs_global *all_globals(lua_State *L, struct script_object *object,
					    size_t *count)
{
	struct ebs_error error = { 0 };
	const struct ebs_global *globals;
	bool tried = false;

	do
		globals = ebs_object_globals(object->handle, count, &error);
	while (!globals && ebs_try_again(L, &error, &tried));
	if (!globals)
		ebs_raise(L, &error);
	return globals;
}

// Static variables inside functions can be named, but aren't advertised.
static bool is_inside_function(const struct ebs_global *global)
{
	return strchr(global->name, '.') != NULL;
}

static int refuse_name(lua_State *L, const char *name, const struct ebs_global *globals,
		       size_t count)
{
	luaL_Buffer names;
	const char *comma = "";

	luaL_buffinit(L, &names);
	for (size_t i = 0; i < count; i++) {
		if (is_inside_function(&globals[i]))
			continue;
		luaL_addstring(&names, comma);
		luaL_addstring(&names, globals[i].name);
		comma = ", ";
	}
	luaL_pushresult(&names); // names
	return luaL_error(L, "the object has no global variable '%s'; it has: %s", name,
			  *lua_tostring(L, -1) ? lua_tostring(L, -1) : "none");
}

// The variable whose name is at index 2.
static const struct ebs_global *check_global(lua_State *L, struct script_object *object)
{
	const char *name = luaL_checkstring(L, 2);
	size_t count;
	const struct ebs_global *globals = all_globals(L, object, &count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(globals[i].name, name) != 0)
			continue;
		if (!globals[i].data)
			luaL_error(L, "the kernel doesn't share section %s, in which '%s' is",
				   globals[i].section, name);
		return &globals[i];
	}
	refuse_name(L, name, globals, count);
	return NULL;
}

// Structs as views, which show the variable as it is when it is read.
static void push_global(lua_State *L, struct script_object *object, const struct ebs_global *global)
{
	ebs_push_view(L, global->layout, global->data, global->layout->size, &object->lifetime);
}

static int globals_index(lua_State *L)
{
	struct script_object *object = check_globals(L);

	push_global(L, object, check_global(L, object));
	return 1;
}

// Programs that read the variable meanwhile see the old or the new value of an integer, and maybe
// some of both of what is larger.
static void store(uint8_t *to, const uint8_t *from, size_t size)
{
	bool aligned = (uintptr_t)to % size == 0;
	uint64_t value64;
	uint32_t value32;
	uint16_t value16;

	if (aligned && size == 8) {
		memcpy(&value64, from, size);
		__atomic_store_n((uint64_t *)(void *)to, value64, __ATOMIC_RELEASE);
	} else if (aligned && size == 4) {
		memcpy(&value32, from, size);
		__atomic_store_n((uint32_t *)(void *)to, value32, __ATOMIC_RELEASE);
	} else if (aligned && size == 2) {
		memcpy(&value16, from, size);
		__atomic_store_n((uint16_t *)(void *)to, value16, __ATOMIC_RELEASE);
	} else {
		memcpy(to, from, size);
	}
}

static int globals_newindex(lua_State *L)
{
	struct script_object *object = check_globals(L);
	const struct ebs_global *global = check_global(L, object);
	size_t size = global->layout->size;
	struct ebs_error error = { 0 };
	uint8_t small[64];
	uint8_t *bytes = size <= sizeof(small) ? small : lua_newuserdatauv(L, size, 0);

	if (global->constant)
		return luaL_error(L,
				  "'%s' is a constant: it can be set before loading only, by "
				  "bpf.load{ constants = { %s = value } }",
				  global->name, global->name);
	if (ebs_read_value(L, 3, ebs_object_types(object->handle), global->layout, bytes,
			   global->name, &error))
		return ebs_raise(L, &error);
	if (size)
		store(global->data, bytes, size);
	return 0;
}

// The state of a traversal is the variable's number.
static int globals_next(lua_State *L)
{
	struct script_object *object = check_globals(L);
	lua_Integer next = lua_tointeger(L, lua_upvalueindex(1));
	size_t count;
	const struct ebs_global *globals = all_globals(L, object, &count);

	while (next < (lua_Integer)count &&
	       (is_inside_function(&globals[next]) || !globals[next].data))
		next++;
	if (next >= (lua_Integer)count)
		return 0;
	lua_pushinteger(L, next + 1); // next
	lua_replace(L, lua_upvalueindex(1));
	lua_pushstring(L, globals[next].name);  // name
	push_global(L, object, &globals[next]); // name value
	return 2;
}

static int globals_pairs(lua_State *L)
{
	check_globals(L);
	lua_pushinteger(L, 0);                // 0
	lua_pushcclosure(L, globals_next, 1); // next
	lua_pushvalue(L, 1);                  // next globals
	return 2;
}

static const luaL_Reg metamethods[] = {
	{ "__index", globals_index },
	{ "__newindex", globals_newindex },
	{ "__pairs", globals_pairs },
	{ NULL, NULL },
};

void ebs_register_globals(lua_State *L)
{
	luaL_newmetatable(L, CLASS); // metatable
	luaL_setfuncs(L, metamethods, 0);
	lua_pop(L, 1);
}
