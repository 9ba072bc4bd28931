// SPDX-License-Identifier: GPL-2.0-only
// Handlers of ring buffers: samples become calls of Lua functions.
#include <errno.h>
#include <string.h>

#include "kernel/ring.h"
#include "script/object.h"
#include "script/value.h"

#define HANDLER_CLASS "bpf.Handler"
#define MAX_TYPES     16 // of samples in one buffer
#define MAX_ARGUMENTS 64

// How samples of one type reach the handler.
struct plan {
	const struct ebs_layout *layout; // NULL: bytes as a string
	int count;                       // arguments; -1: one argument, the whole sample
	const struct ebs_field **fields; // one for each argument, in memory of user value 3
};

struct script_handler {
	struct script_object *object;
	struct ebs_map *map;
	struct ebs_ring *ring;
	struct ebs_watch *watch;
	struct ebs_lifetime lifetime; // of views
	struct plan plans[MAX_TYPES];
	int plan_count;
	bool busy;                   // its ring is being read
	struct script_handler *next; // in object->handlers
};

// User values of a handler: the object, the Lua function, and the arrays of fields.
enum { OBJECT_VALUE = 1, FUNCTION_VALUE, FIELDS_VALUE, USER_VALUES = FIELDS_VALUE };

struct sample {
	struct script_handler *handler;
	const uint8_t *data;
	size_t size;
};

// A buffer with several types of samples: the one of this size, else the largest that the sample
// holds.
static const struct plan *choose_plan(const struct script_handler *handler, size_t size)
{
	const struct plan *best = &handler->plans[0];

	for (int i = 1; i < handler->plan_count; i++) {
		const struct plan *plan = &handler->plans[i];
		bool fits = plan->layout->size <= size;
		bool best_fits = best->layout->size <= size;

		if (fits && (!best_fits || plan->layout->size > best->layout->size))
			best = plan;
	}
	return best;
}

// Runs protected: decoding allocates, and the script's function may raise.
static int deliver(lua_State *L)
{
	const struct sample *sample = lua_touserdata(L, 1);
	struct script_handler *handler = sample->handler;
	const struct plan *plan = choose_plan(handler, sample->size);

	luaL_checkstack(L, MAX_ARGUMENTS + LUA_MINSTACK, "too many fields");
	lua_rawgetp(L, LUA_REGISTRYINDEX, handler); // handler
	lua_getiuservalue(L, 2, FUNCTION_VALUE);    // handler function
	if (plan->count >= 0) {
		for (int i = 0; i < plan->count; i++)
			ebs_push_field(L, plan->fields[i], sample->data, sample->size);
		lua_call(L, plan->count, 0);
	} else {
		ebs_push_view(L, plan->layout, sample->data, sample->size, &handler->lifetime);
		lua_call(L, 1, 0);
	}
	return 0;
}

// Runs on libbpf's stack: must return, must not raise.
static int on_sample(void *context, void *data, size_t size)
{
	struct script_handler *handler = context;
	struct sample sample = { handler, data, size };
	int result = ebs_call_protected(handler->object->state, deliver, &sample);

	ebs_lifetime_end(&handler->object->state->views, &handler->lifetime);
	return handler->object->open ? result : -ECANCELED;
}

static void release(struct script_handler *handler)
{
	ebs_lifetime_end(&handler->object->state->views, &handler->lifetime);
	if (handler->busy)
		return; // the handler closed its own object: consume() sees to it
	ebs_watch_free(handler->watch);
	ebs_ring_free(handler->ring);
	handler->watch = NULL;
	handler->ring = NULL;
}

// Returns 0, or -ECANCELED when a handler failed.
static int consume(struct script_handler *handler)
{
	struct ebs_state *state = handler->object->state;

	handler->busy = true;
	int result = ebs_ring_consume(handler->ring);
	handler->busy = false;
	if (!handler->object->open) {
		release(handler);
		return state->failed ? -ECANCELED : 0;
	}
	return result;
}

static int on_readable(void *context)
{
	return consume(context);
}

int ebs_handlers_drain(struct script_object *object)
{
	int result = 0;

	for (struct script_handler *handler = object->handlers; handler && object->open && !result;
	     handler = handler->next)
		result = consume(handler);
	return result;
}

void ebs_handlers_close(struct script_object *object)
{
	lua_State *L = object->state->L;

	for (struct script_handler *handler = object->handlers; handler; handler = handler->next) {
		release(handler);
		lua_pushnil(L);
		lua_rawsetp(L, LUA_REGISTRYINDEX, handler);
	}
	object->handlers = NULL;
}

static int refuse_parameter(lua_State *L, const struct ebs_layout *layout, const char *parameter)
{
	luaL_Buffer names;

	luaL_buffinit(L, &names);
	for (uint32_t i = 0; i < layout->field_count; i++) {
		luaL_addstring(&names, i ? ", " : "");
		luaL_addstring(&names, layout->fields[i].name);
	}
	luaL_pushresult(&names); // names
	return luaL_argerror(
		L, 3,
		lua_pushfstring(
			L,
			"%s has no field '%s' for the handler's parameter of that name; its "
			"fields are: %s",
			layout->name, parameter, lua_tostring(L, -1)));
}

// The parameters of a Lua function; 0 for C functions and for `function(...)`, which take the whole
// sample.
static int count_parameters(lua_State *L, int index)
{
	lua_Debug info;

	lua_pushvalue(L, index); // function
	lua_getinfo(L, ">u", &info);
	return info.nparams;
}

// Looks the handler's parameters up in the sample's type. One parameter that is no field takes the
// whole.
static void make_plan(lua_State *L, int function, struct script_handler *handler,
		      const struct ebs_layout *layout)
{
	struct plan *plan = &handler->plans[handler->plan_count++];
	int parameters = lua_iscfunction(L, function) ? 0 : count_parameters(L, function);

	plan->layout = layout;
	plan->count = -1;
	if (!layout || layout->kind != EBS_RECORD || parameters == 0)
		return;
	if (parameters > MAX_ARGUMENTS)
		luaL_argerror(
			L, 3,
			lua_pushfstring(L, "a handler takes at most %d parameters", MAX_ARGUMENTS));

	plan->fields = lua_newuserdatauv(L, parameters * sizeof(*plan->fields), 0); // fields
	for (int i = 0; i < parameters; i++) {
		lua_pushvalue(L, function);                      // fields function
		const char *name = lua_getlocal(L, NULL, i + 1); // fields function
		lua_pop(L, 1);                                   // fields
		plan->fields[i] = ebs_layout_field(layout, name);
		if (plan->fields[i])
			continue;
		if (parameters > 1)
			refuse_parameter(L, layout, name);
		lua_pop(L, 1); // -
		return;
	}
	plan->count = parameters;
	lua_getiuservalue(L, -2, FIELDS_VALUE);  // fields all
	lua_insert(L, -2);                       // all fields
	lua_rawseti(L, -2, handler->plan_count); // all
	lua_pop(L, 1);                           // -
}

static void make_plans(lua_State *L, int function, struct script_handler *handler, const char *type)
{
	const struct ebs_layout *layouts[MAX_TYPES];
	struct ebs_types *types = ebs_object_types(handler->object->handle);
	struct ebs_error error = { 0 };

	if (type) {
		uint32_t id = ebs_types_find(types, type);
		if (!id)
			luaL_argerror(L, 4,
				      lua_pushfstring(L, "the object's types have no '%s'", type));
		layouts[0] = ebs_types_layout(types, id, &error);
		if (!layouts[0])
			ebs_raise(L, &error);
		make_plan(L, function, handler, layouts[0]);
		return;
	}
	int count = ebs_types_samples(types, handler->map->name, layouts, MAX_TYPES, &error);
	if (count < 0)
		ebs_raise(L, &error);
	if (count > MAX_TYPES)
		luaL_error(L, "map '%s' carries more than %d types of samples", handler->map->name,
			   MAX_TYPES);
	if (count == 0)
		make_plan(L, function, handler, NULL);
	for (int i = 0; i < count; i++) {
		for (int j = 0; j < i; j++)
			if (layouts[i]->size == layouts[j]->size)
				luaL_argerror(
					L, 2,
					lua_pushfstring(L,
							"map '%s' carries %s and %s, which their "
							"sizes don't tell "
							"apart: name one by { type = \"%s\" }",
							handler->map->name, layouts[j]->name,
							layouts[i]->name, layouts[j]->name));
		make_plan(L, function, handler, layouts[i]);
	}
}

static struct script_handler *push_handler(lua_State *L, struct script_object *object,
					   struct ebs_map *map)
{
	struct script_handler *handler =
		lua_newuserdatauv(L, sizeof(*handler), USER_VALUES); // handler

	memset(handler, 0, sizeof(*handler));
	handler->object = object;
	handler->map = map;
	luaL_setmetatable(L, HANDLER_CLASS);
	lua_pushvalue(L, 1); // handler object
	lua_setiuservalue(L, -2, OBJECT_VALUE);
	lua_pushvalue(L, 3); // handler function
	lua_setiuservalue(L, -2, FUNCTION_VALUE);
	lua_newtable(L); // handler fields
	lua_setiuservalue(L, -2, FIELDS_VALUE);
	ebs_lifetime_begin(L, &handler->lifetime, -1);
	return handler;
}

int ebs_object_on_event(lua_State *L)
{
	static const char *const names[] = { "type", NULL };
	struct script_object *object = ebs_check_object(L, 1);
	const char *name = luaL_checkstring(L, 2);
	const char *type = NULL;
	struct ebs_error error = { 0 };

	luaL_checktype(L, 3, LUA_TFUNCTION);
	if (!lua_isnoneornil(L, 4)) {
		ebs_check_option_names(L, 4, names);
		lua_getfield(L, 4, "type"); // ... type
		if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING)
			luaL_argerror(L, 4, "option 'type' must be a string");
		type = lua_tostring(L, -1); // the table keeps it
	}
	struct ebs_map *map = ebs_object_map(object->handle, name);
	if (!map)
		return luaL_argerror(L, 2, lua_pushfstring(L, "the object has no map '%s'", name));
	for (struct script_handler *other = object->handlers; other; other = other->next)
		if (other->map == map)
			return luaL_argerror(
				L, 2, lua_pushfstring(L, "map '%s' has a handler already", name));

	struct script_handler *handler = push_handler(L, object, map); // ... handler
	make_plans(L, 3, handler, type);
	lua_pushvalue(L, -1);                       // ... handler handler
	ebs_object_keep(L, 1, object);              // ... handler
	lua_pushvalue(L, -1);                       // ... handler handler
	lua_rawsetp(L, LUA_REGISTRYINDEX, handler); // ... handler
	handler->ring = ebs_ring_new(map, on_sample, handler, &error);
	if (handler->ring)
		handler->watch = ebs_loop_watch(object->state->loop, ebs_ring_fd(handler->ring),
						on_readable, handler, &error);
	if (!handler->watch) {
		release(handler);
		lua_pushnil(L);
		lua_rawsetp(L, LUA_REGISTRYINDEX, handler);
		return ebs_raise_argument(L, 2, &error);
	}
	handler->next = object->handlers;
	object->handlers = handler;
	lua_pushboolean(L, true);
	return 1;
}

static int handler_gc(lua_State *L)
{
	release(luaL_checkudata(L, 1, HANDLER_CLASS));
	return 0;
}

static const luaL_Reg methods[] = {
	{ NULL, NULL },
};

static const luaL_Reg metamethods[] = {
	{ "__gc", handler_gc },
	{ NULL, NULL },
};

void ebs_register_handler(lua_State *L)
{
	ebs_new_class(L, HANDLER_CLASS, methods, metamethods);
}
