// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.Object.
#include <string.h>

#include "script/columns.h"
#include "script/object.h"
#include "script/value.h"

struct script_object *ebs_object_new(lua_State *L)
{
	struct script_object *object = lua_newuserdatauv(L, sizeof(*object), 1); // object

	memset(object, 0, sizeof(*object));
	object->state = ebs_state(L);
	luaL_setmetatable(L, EBS_OBJECT_CLASS);
	lua_newtable(L);             // object kept
	lua_setiuservalue(L, -2, 1); // object
	ebs_lifetime_begin(L, &object->lifetime, -1);
	return object;
}

struct script_object *ebs_check_object(lua_State *L, int index)
{
	struct script_object *object = luaL_checkudata(L, index, EBS_OBJECT_CLASS);

	if (!object->open)
		luaL_argerror(L, index, "the object is closed");
	return object;
}

void ebs_object_keep(lua_State *L, int index, struct script_object *object)
{
	index = lua_absindex(L, index);           // value
	lua_getiuservalue(L, index, 1);           // value kept
	lua_insert(L, -2);                        // kept value
	lua_rawsetp(L, -2, lua_topointer(L, -1)); // kept
	lua_pop(L, 1);                            // -
	if (object->anchored)
		return;
	lua_pushvalue(L, index);                   // object
	lua_rawsetp(L, LUA_REGISTRYINDEX, object); // -
	object->anchored = true;
	object->next = object->state->objects;
	object->state->objects = object;
}

void ebs_object_unkeep(lua_State *L, int index, const void *value)
{
	lua_getiuservalue(L, index, 1); // kept
	lua_pushnil(L);                 // kept nil
	lua_rawsetp(L, -2, value);      // kept
	lua_pop(L, 1);                  // -
}

static void release_anchor(lua_State *L, struct script_object *object)
{
	struct script_object **place = &object->state->objects;

	if (!object->anchored)
		return;
	object->anchored = false;
	while (*place && *place != object)
		place = &(*place)->next;
	if (*place)
		*place = object->next;
	lua_pushnil(L);                            // nil
	lua_rawsetp(L, LUA_REGISTRYINDEX, object); // -
}

// Serves close(), __close and, by object_gc(), __gc.
static int object_close(lua_State *L)
{
	struct script_object *object = luaL_checkudata(L, 1, EBS_OBJECT_CLASS);

	if (!object->open)
		return 0;
	object->open = false;
	ebs_links_close(object);
	ebs_handlers_close(object);
	ebs_lifetime_end(&object->state->views, &object->lifetime);
	ebs_tell_total_losses(object);
	ebs_object_close(object->handle);
	release_anchor(L, object);
	lua_newtable(L);            // kept; the last step, as memory may be short
	lua_setiuservalue(L, 1, 1); // -
	return 0;
}

static int object_gc(lua_State *L)
{
	struct script_object *object = luaL_checkudata(L, 1, EBS_OBJECT_CLASS);

	object_close(L);
	ebs_object_free(object->handle);
	object->handle = NULL;
	return 0;
}

// Adds "program NAME: " in front when there are several.
static int fail_attach(lua_State *L, struct ebs_object *handle, const struct ebs_program *program,
		       struct ebs_error *error)
{
	struct ebs_error named = { 0 };

	if (!ebs_object_program_at(handle, 1))
		return ebs_fail(L, error);
	ebs_error_explain(&named, 0, "program %s: %s", program->name, ebs_error_text(error));
	memcpy(named.code, error->code, sizeof(named.code));
	ebs_error_clear(error);
	return ebs_fail(L, &named);
}

static int object_attach(lua_State *L)
{
	struct script_object *object = ebs_check_object(L, 1);
	struct ebs_attach_options none = { 0 };
	struct ebs_error error = { 0 };
	struct ebs_program *program;
	unsigned attached = 0;

	for (size_t i = 0; (program = ebs_object_program_at(object->handle, i)); i++) {
		if (!ebs_program_is_complete(program))
			continue;
		if (ebs_push_new_link(L, 1, program, &none, &error)) // link
			return fail_attach(L, object->handle, program, &error);
		lua_pop(L, 1); // -
		attached++;
	}
	if (!attached) {
		ebs_error_set(&error, "EINVAL",
			      "no SEC() of this C says where to attach: use "
			      "object:program(name):attach{...}");
		return ebs_fail(L, &error);
	}
	lua_pushboolean(L, true);
	return 1;
}

// Raises with the names that there are.
static int refuse_name(lua_State *L, const char *what, const char *name,
		       const char *(*at)(struct ebs_object *, size_t), struct ebs_object *handle)
{
	luaL_Buffer names;
	const char *known;

	luaL_buffinit(L, &names);
	for (size_t i = 0; (known = at(handle, i)); i++) {
		luaL_addstring(&names, i ? ", " : "");
		luaL_addstring(&names, known);
	}
	luaL_pushresult(&names); // names
	return luaL_argerror(L, 2,
			     lua_pushfstring(L, "the object has no %s '%s'; it has: %s", what, name,
					     *lua_tostring(L, -1) ? lua_tostring(L, -1) : "none"));
}

static const char *program_name(struct ebs_object *handle, size_t index)
{
	struct ebs_program *program = ebs_object_program_at(handle, index);

	return program ? program->name : NULL;
}

static const char *map_name(struct ebs_object *handle, size_t index)
{
	struct ebs_map *map = ebs_object_map_at(handle, index);

	return map ? map->name : NULL;
}

static int object_program(lua_State *L)
{
	struct script_object *object = ebs_check_object(L, 1);
	const char *name = luaL_checkstring(L, 2);
	struct ebs_program *program = ebs_object_program(object->handle, name);

	if (!program)
		return refuse_name(L, "program", name, program_name, object->handle);
	ebs_push_program(L, 1, program); // program
	return 1;
}

static int object_map(lua_State *L)
{
	struct script_object *object = ebs_check_object(L, 1);
	const char *name = luaL_checkstring(L, 2);
	struct ebs_map *map = ebs_object_map(object->handle, name);

	if (!map)
		return refuse_name(L, "map", name, map_name, object->handle);
	ebs_push_map(L, 1, map); // map
	return 1;
}

// object:enum("enum tcp_state"): a table from name to value and from value to (the first) name.
static int object_enum(lua_State *L)
{
	struct script_object *object = ebs_check_object(L, 1);
	const char *name = luaL_checkstring(L, 2);
	struct ebs_types *types = ebs_object_types(object->handle);
	uint32_t id = ebs_types_find(types, name);
	const char *enumerator;
	int64_t value;

	lua_newtable(L); // values
	for (uint32_t i = 0; id && (enumerator = ebs_types_enumerator(types, id, i, &value)); i++) {
		lua_pushinteger(L, value);                   // values value
		lua_setfield(L, -2, enumerator);             // values
		if (lua_rawgeti(L, -1, value) == LUA_TNIL) { // values nil
			lua_pushstring(L, enumerator);       // values nil name
			lua_rawseti(L, -3, value);           // values nil
		}
		lua_pop(L, 1); // values
	}
	if (!id || !ebs_types_enumerator(types, id, 0, &value))
		return luaL_argerror(
			L, 2, lua_pushfstring(L, "the object's types have no enum '%s'", name));
	return 1;
}

static int object_index(lua_State *L)
{
	if (lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "globals") == 0) {
		ebs_check_object(L, 1);
		ebs_push_globals(L, 1);
	} else {
		lua_pushvalue(L, 2);
		lua_gettable(L, lua_upvalueindex(1));
	}
	return 1;
}

static int object_tostring(lua_State *L)
{
	struct script_object *object = luaL_checkudata(L, 1, EBS_OBJECT_CLASS);

	lua_pushstring(L, object->open ? EBS_OBJECT_CLASS : EBS_OBJECT_CLASS " (closed)");
	return 1;
}

static const luaL_Reg methods[] = {
	// clang-format off
	{ "attach", object_attach },
	{ "close", object_close },
	{ "columns", ebs_object_columns },
	{ "enum", object_enum },
	{ "losses", ebs_object_push_losses },
	{ "map", object_map },
	{ "on_event", ebs_object_on_event },
	{ "program", object_program },
	{ NULL, NULL },
	// clang-format on
};

static const luaL_Reg metamethods[] = {
	{ "__close", object_close },       { "__gc", object_gc }, { "__index", object_index },
	{ "__tostring", object_tostring }, { NULL, NULL },
};

void ebs_register_object(lua_State *L)
{
	ebs_new_class(L, EBS_OBJECT_CLASS, methods, metamethods);
	ebs_register_globals(L);
}
