// SPDX-License-Identifier: GPL-2.0-only
// Handlers of ring and perf buffers: set, read, closed.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <inttypes.h>
#include <string.h>

#include "script/columns.h"
#include "script/events.h"
#include "script/map.h"

#define HANDLER_CLASS "bpf.Handler"

void ebs_handler_release(struct script_handler *handler)
{
	ebs_handler_end_views(handler);
	if (handler->busy)
		return; // the handler closed its own object: ebs_handler_read() sees to it
	ebs_view_give_back(&handler->object->state->views, handler->view);
	handler->view = 0;
	ebs_watch_free(handler->watch);
	if (handler->ring)
		ebs_ring_count_lost(handler->ring);
	ebs_ring_free(handler->ring);
	handler->watch = NULL;
	handler->ring = NULL;
}

static int on_readable(void *context)
{
	return ebs_handler_read(context, ebs_handler_share(context));
}

static int watch(struct script_handler *handler, struct ebs_error *error)
{
	if (handler->watch || !handler->ring)
		return 0;
	handler->watch = ebs_loop_watch(handler->object->state->loop, ebs_ring_fd(handler->ring),
					on_readable, handler, error);
	if (!handler->watch)
		return -EIO;
	ebs_watch_again(handler->watch);
	return 0;
}

int ebs_handlers_watch(struct ebs_state *state, struct ebs_error *error)
{
	int result = 0;

	for (struct script_object *object = state->objects; object; object = object->next)
		for (struct script_handler *handler = object->handlers; handler && !result;
		     handler = handler->next)
			result = watch(handler, error);
	return result;
}

int ebs_handlers_drain(struct script_object *object)
{
	int result = 0;

	for (struct script_handler *handler = object->handlers; handler && object->open && !result;
	     handler = handler->next) {
		result = ebs_handler_read(handler, ebs_interrupt_until());
		if (handler->ring)
			ebs_ring_count_lost(handler->ring);
		if (handler->late)
			result = -ETIMEDOUT;
	}
	return result;
}

// Reads what is left, to nobody.
static uint64_t count_left(struct script_handler *handler)
{
	uint64_t left = 0;
	size_t count;

	ebs_ring_begin(handler->ring);
	while ((count = ebs_ring_take(handler->ring, handler->batch, EBS_EVENT_BATCH)))
		left += count;
	ebs_ring_end(handler->ring, NULL);
	return left;
}

void ebs_handlers_tell_left(struct ebs_state *state)
{
	for (struct script_object *object = state->objects; object; object = object->next)
		for (struct script_handler *handler = object->handlers; handler;
		     handler = handler->next) {
			uint64_t left = handler->ring ? count_left(handler) : 0;

			if (left)
				fprintf(stderr,
					"ebscript: %s: %" PRIu64 " event%s of \"%s\" not handed "
					"over: 200 ms after the signal the script was not done\n",
					state->name, left, left == 1 ? "" : "s",
					handler->map->name);
		}
}

// A handler that has something to read and was not looked at in this turn.
static struct script_handler *first_waiting(const struct ebs_state *state)
{
	for (struct script_object *object = state->objects; object; object = object->next)
		for (struct script_handler *handler = object->handlers; handler;
		     handler = handler->next)
			if (handler->turn != state->turn && !handler->late &&
			    ebs_ring_is_waiting(handler->ring))
				return handler;
	return NULL;
}

// A handler may close any object, so the list is read anew after each.
int ebs_handlers_look(struct ebs_state *state)
{
	struct script_handler *handler;
	int result = 0;

	state->turn++;
	while (!result && (handler = first_waiting(state))) {
		handler->turn = state->turn;
		// Who has not been waiting may have missed a wake-up while it read: look once more.
		ebs_watch_again(handler->watch);
		result = ebs_handler_read(handler, ebs_handler_share(handler));
	}
	return result;
}

void ebs_handlers_close(struct script_object *object)
{
	lua_State *L = object->state->L;

	for (struct script_handler *handler = object->handlers; handler; handler = handler->next) {
		object->state->handlers--;
		ebs_handler_release(handler);
		lua_pushnil(L);
		lua_rawsetp(L, LUA_REGISTRYINDEX, handler);
	}
	object->handlers = NULL;
}

static struct script_handler *push_handler(lua_State *L, struct script_object *object,
					   struct ebs_map *map)
{
	ebs_refuse_at_end(L);
	struct script_handler *handler =
		lua_newuserdatauv(L, sizeof(*handler), EBS_HANDLER_VALUES); // handler

	memset(handler, 0, sizeof(*handler));
	handler->object = object;
	handler->map = map;
	luaL_setmetatable(L, HANDLER_CLASS);
	lua_pushvalue(L, 1); // handler object
	lua_setiuservalue(L, -2, EBS_HANDLER_OBJECT);
	lua_newtable(L); // handler functions
	lua_setiuservalue(L, -2, EBS_HANDLER_FUNCTIONS);
	lua_newtable(L); // handler steps
	lua_setiuservalue(L, -2, EBS_HANDLER_STEPS);
	ebs_lifetime_begin(L, &handler->lifetime, -1);
	handler->view = ebs_view_reserve(&object->state->views);
	if (!handler->view)
		luaL_error(L, "not enough memory");
	return handler;
}

// An event that its buffer can never hold would be lost without a word.
static int check_sizes(const struct script_handler *handler, struct ebs_error *error)
{
	size_t largest = ebs_ring_largest(handler->ring, handler->map);

	for (int i = 0; i < handler->plan_count; i++) {
		const struct ebs_layout *layout = handler->plans[i].layout;

		if (layout && layout->size > largest)
			return ebs_error_explain(
				error, E2BIG,
				"buffer \"%s\" can't hold a %s of %" PRIu32
				" bytes, as %zu are the "
				"most that fit: give it more (buffer_size, or ebscript "
				"--buffer-size), or send less at once",
				handler->map->name, layout->name, layout->size, largest);
	}
	return 0;
}

// The argument 2: a map's name, or an inner map of one of the object's. `source` gets the name of
// the map that the C sends to.
static struct ebs_map *check_buffer(lua_State *L, const struct script_object *object,
				    const char **source)
{
	struct script_map *inner = luaL_testudata(L, 2, EBS_MAP_CLASS);
	struct ebs_map *map;

	if (inner) {
		ebs_check_map(L, 2);
		lua_getiuservalue(L, 2, 1); // owner
		struct script_map *outer = luaL_testudata(L, -1, EBS_MAP_CLASS);
		lua_pop(L, 1); // -
		map = inner->map;
		*source = inner->own && outer ? outer->map->name : map->name;
		if (!ebs_object_map(object->handle, *source))
			luaL_argerror(
				L, 2,
				lua_pushfstring(L,
						"map '%s' is neither one of the object's nor an "
						"inner map of one",
						map->name));
		return map;
	}
	*source = luaL_checkstring(L, 2);
	map = ebs_object_map(object->handle, *source);
	if (!map)
		luaL_argerror(L, 2, lua_pushfstring(L, "the object has no map '%s'", *source));
	*source = map->name; // which lives as long as the object
	return map;
}

int ebs_object_on_event(lua_State *L)
{
	static const char *const names[] = { "type", "tag", "types", NULL };
	struct script_object *object = ebs_check_object(L, 1);
	const char *source = NULL;
	struct ebs_map *map = check_buffer(L, object, &source);
	struct ebs_error error = { 0 };
	bool tried = false;

	luaL_argexpected(L, lua_isfunction(L, 3) || lua_istable(L, 3) || ebs_to_columns(L, 3), 3,
			 "function, columns or table");
	if (!lua_isnoneornil(L, 4))
		ebs_check_option_names(L, 4, names);
	lua_settop(L, 4);
	for (struct script_handler *other = object->handlers; other; other = other->next)
		if (other->map == map)
			return luaL_argerror(
				L, 2,
				lua_pushfstring(L, "map '%s' has a handler already", map->name));

	struct script_handler *handler = push_handler(L, object, map); // ... handler
	handler->source = source;
	lua_pushvalue(L, 2); // ... handler map
	lua_setiuservalue(L, -2, EBS_HANDLER_MAP);
	ebs_handler_plan(L, handler);
	lua_pushvalue(L, -1);                       // ... handler handler
	ebs_object_keep(L, 1, object);              // ... handler
	lua_pushvalue(L, -1);                       // ... handler handler
	lua_rawsetp(L, LUA_REGISTRYINDEX, handler); // ... handler
	do
		handler->ring = ebs_ring_new(map, &error);
	while (!handler->ring && ebs_try_again(L, &error, &tried));
	if (!handler->ring || check_sizes(handler, &error) ||
	    (object->state->running && watch(handler, &error))) {
		ebs_handler_release(handler);
		lua_pushnil(L);
		lua_rawsetp(L, LUA_REGISTRYINDEX, handler);
		ebs_object_unkeep(L, 1, handler);
		return strcmp(error.code, "EINVAL") ? ebs_fail(L, &error)
						    : ebs_raise_argument(L, 2, &error);
	}
	handler->next = object->handlers;
	object->handlers = handler;
	object->state->handlers++;
	lua_pushboolean(L, true);
	return 1;
}

static int handler_gc(lua_State *L)
{
	ebs_handler_release(luaL_checkudata(L, 1, HANDLER_CLASS));
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
