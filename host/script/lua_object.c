// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.Object.
#include <errno.h>
#include <string.h>

#include "script/columns.h"
#include "script/object.h"
#include "script/value.h"

struct script_object *ebs_object_new(lua_State *L)
{
	ebs_refuse_at_end(L);
	struct script_object *object = lua_newuserdatauv(L, sizeof(*object), 1); // object

	memset(object, 0, sizeof(*object));
	object->state = ebs_state(L);
	luaL_setmetatable(L, EBS_OBJECT_CLASS);
	lua_newtable(L);             // object kept
	lua_setiuservalue(L, -2, 1); // object
	object->lifetime.shared = true; // programs write variables at any time
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
	ebs_weigh(object->state, &object->weight, ebs_object_weight(object->handle));
	release_anchor(L, object);
	lua_newtable(L);            // kept; the last step, as memory may be short
	lua_setiuservalue(L, 1, 1); // -
	return 0;
}

static int object_gc(lua_State *L)
{
	struct script_object *object = luaL_checkudata(L, 1, EBS_OBJECT_CLASS);

	object_close(L);
	if (object->reading) // a handler has called this itself
		return 0;
	ebs_walks_end(object);
	ebs_object_free(object->handle);
	object->handle = NULL;
	ebs_weigh(object->state, &object->weight, (struct ebs_weight){ 0 });
	return 0;
}

// Adds "program NAME: " in front when there are several.
static void name_program(struct ebs_object *handle, const struct ebs_program *program,
			 struct ebs_error *error)
{
	struct ebs_error named = { 0 };

	if (!ebs_object_program_at(handle, 1))
		return;
	ebs_error_explain(&named, 0, "program %s: %s", program->name, ebs_error_text(error));
	memcpy(named.code, error->code, sizeof(named.code));
	ebs_error_clear(error);
	*error = named;
}

// What this kernel or machine lacks, as opposed to what is wrong or not permitted.
static bool is_lack(const struct ebs_error *error)
{
	static const char *const codes[] = { "ENOENT", "ENODEV", "ESRCH", "ENOSYS", "EOPNOTSUPP" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (strcmp(error->code, codes[i]) == 0)
			return true;
	return false;
}

// Whether the script has attached each program by hand.
static bool is_attached(struct ebs_object *handle)
{
	struct ebs_program *program;
	size_t i;

	for (i = 0; (program = ebs_object_program_at(handle, i)); i++)
		if (!program->links && !program->left_out)
			return false;
	return i > 0;
}

static bool is_optional(lua_State *L, int index)
{
	static const char *const names[] = { "optional", NULL };

	if (lua_isnoneornil(L, index))
		return false;
	ebs_check_option_names(L, index, names);
	int type = lua_getfield(L, index, "optional"); // optional
	luaL_argcheck(L, type == LUA_TBOOLEAN || type == LUA_TNIL, index,
		      "option 'optional' must be a boolean");
	bool optional = lua_toboolean(L, -1);
	lua_pop(L, 1); // -
	return optional;
}

// Where object_attach() keeps what lacks: a table of messages by names, the first of them, its
// code.
enum { LACKING = 3, FIRST_MESSAGE, FIRST_CODE, LINKS };

// Attaches the programs that can be attached without options. Their links are on the stack from
// LINKS on. Returns 0, or -errno with `error` filled.
static int attach_programs(lua_State *L, struct ebs_object *handle, bool optional,
			   struct ebs_error *error)
{
	struct ebs_attach_options none = { 0 };
	struct ebs_program *program;
	unsigned complete = 0;

	if (is_attached(handle))
		return 0;
	for (size_t i = 0; (program = ebs_object_program_at(handle, i)); i++) {
		if (!ebs_program_is_complete(program))
			continue;
		complete++;
		luaL_checkstack(L, LUA_MINSTACK, "too many programs");
		if (!ebs_push_new_link(L, 1, program, &none, error)) // ... link
			continue;
		name_program(handle, program, error);
		if (!optional || !is_lack(error))
			return -EINVAL;
		ebs_fail(L, error); // ... nil message code
		if (lua_isnil(L, FIRST_MESSAGE)) {
			lua_copy(L, -2, FIRST_MESSAGE);
			lua_copy(L, -1, FIRST_CODE);
		}
		lua_pop(L, 1);                           // ... nil message
		lua_setfield(L, LACKING, program->name); // ... nil
		lua_pop(L, 1);                           // ...
	}
	if (!complete)
		return ebs_error_set(error, "EINVAL",
				     "no SEC() of this C says where to attach: use "
				     "object:program(name):attach{...}");
	return 0;
}

// object:attach([{ optional = true }]): all of the programs, or none of them.
static int object_attach(lua_State *L)
{
	struct script_object *object = ebs_check_object(L, 1);
	struct ebs_error error = { 0 };
	bool optional = is_optional(L, 2);

	lua_settop(L, 2);
	lua_newtable(L);
	lua_settop(L, LINKS - 1);
	if (attach_programs(L, object->handle, optional, &error)) {
		for (int link = lua_gettop(L); link >= LINKS; link--) {
			luaL_callmeta(L, link, "__close");
			lua_settop(L, link - 1);
		}
		return ebs_fail(L, &error);
	}
	if (lua_gettop(L) < LINKS && !lua_isnil(L, FIRST_MESSAGE)) { // all of them lack
		lua_pushnil(L);
		lua_insert(L, FIRST_MESSAGE);
		return 3;
	}
	lua_pushboolean(L, true);
	if (!optional)
		return 1;
	lua_pushvalue(L, LACKING);
	return 2;
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
	if (id && ebs_types_enumerator(types, id, 0, &value))
		return 1;
	const char *tag = strncmp(name, "enum ", 5) == 0 ? name + 5 : name;
	return luaL_argerror(
		L, 2,
		id ? lua_pushfstring(L, "%s is no enum", name)
		   : lua_pushfstring(L,
				     "the object's types have no enum '%s': it is there when a "
				     "variable or a field has this type, as by `enum %s in_use;`",
				     tag, tag));
}

// { name = program }
static void push_programs(lua_State *L, struct ebs_object *handle)
{
	struct ebs_program *program;

	lua_newtable(L); // programs
	for (size_t i = 0; (program = ebs_object_program_at(handle, i)); i++) {
		ebs_push_program(L, 1, program);    // programs program
		lua_setfield(L, -2, program->name); // programs
	}
}

// { name = map }
static void push_maps(lua_State *L, struct ebs_object *handle)
{
	struct ebs_map *map;

	lua_newtable(L); // maps
	for (size_t i = 0; (map = ebs_object_map_at(handle, i)); i++) {
		ebs_push_map(L, 1, map);        // maps map
		lua_setfield(L, -2, map->name); // maps
	}
}

static int object_index(lua_State *L)
{
	const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";

	if (strcmp(key, "globals") == 0) {
		ebs_check_object(L, 1);
		ebs_push_globals(L, 1);
	} else if (strcmp(key, "programs") == 0) {
		push_programs(L, ebs_check_object(L, 1)->handle);
	} else if (strcmp(key, "maps") == 0) {
		push_maps(L, ebs_check_object(L, 1)->handle);
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
