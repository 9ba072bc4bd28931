// SPDX-License-Identifier: GPL-2.0-only
// The types of a buffer's samples: which there are, what tells them apart, and what of them the
// handler's parameters take.
#include <string.h>

#include "script/columns.h"
#include "script/events.h"

static bool is_handler(lua_State *L, int index)
{
	return lua_isfunction(L, index) || ebs_to_columns(L, index);
}

static int refuse_parameter(lua_State *L, const struct ebs_layout *layout, const char *parameter)
{
	return luaL_argerror(L, 3,
			     lua_pushfstring(L,
					     "%s has no field '%s' for the handler's parameter of "
					     "that name; its fields are: %s",
					     layout->name, parameter,
					     ebs_push_field_names(L, layout)));
}

// The parameters of a Lua function; 0 for C functions and for `function(...)`, which take the whole
// sample.
static int count_parameters(lua_State *L, int index)
{
	lua_Debug info;

	if (lua_iscfunction(L, index))
		return 0;
	lua_pushvalue(L, index); // function
	lua_getinfo(L, ">u", &info);
	return info.nparams;
}

// Looks the parameters of the function at `function` up in the plan's type. One parameter that is
// no field takes the whole.
static void plan_arguments(lua_State *L, struct script_handler *handler, int function)
{
	struct ebs_event_plan *plan = &handler->plans[handler->plan_count - 1];
	const struct ebs_layout *layout = plan->layout;
	int parameters = count_parameters(L, function);

	if (!layout || layout->kind != EBS_RECORD || parameters == 0)
		return;
	if (parameters > EBS_MAX_EVENT_FIELDS)
		luaL_argerror(L, 3,
			      lua_pushfstring(L, "a handler takes at most %d parameters",
					      EBS_MAX_EVENT_FIELDS));

	plan->steps = lua_newuserdatauv(L, parameters * sizeof(*plan->steps), 0); // steps
	for (int i = 0; i < parameters; i++) {
		lua_pushvalue(L, function);                      // steps function
		const char *name = lua_getlocal(L, NULL, i + 1); // steps function
		lua_pop(L, 1);                                   // steps
		const struct ebs_field *field = ebs_layout_field(layout, name);
		if (field) {
			plan->steps[i] = ebs_step_field(field, layout->size);
			continue;
		}
		if (strcmp(name, EBS_REST) == 0 && !layout->flexible) {
			plan->steps[i] = ebs_step_rest(layout->size, plan->size);
			plan->rest = true;
			continue;
		}
		if (parameters > 1)
			refuse_parameter(L, layout, name);
		lua_pop(L, 1); // -
		return;
	}
	plan->count = parameters;
	plan->words = ebs_steps_words(plan->steps, parameters);
	lua_getiuservalue(L, -2, EBS_HANDLER_STEPS); // steps all
	lua_insert(L, -2);                           // all steps
	lua_rawseti(L, -2, handler->plan_count);     // all
	lua_pop(L, 1);                               // -
}

// Adds a type, for the function at index `function`; 0: there is none. The handler is on the top.
static struct ebs_event_plan *add_plan(lua_State *L, struct script_handler *handler,
				       const struct ebs_layout *layout, int function)
{
	if (handler->plan_count == EBS_MAX_EVENT_TYPES)
		luaL_error(L, "map '%s' carries more than %d types of samples", handler->map->name,
			   EBS_MAX_EVENT_TYPES);
	struct ebs_event_plan *plan = &handler->plans[handler->plan_count++];

	*plan = (struct ebs_event_plan){
		.layout = layout,
		.wanted = function != 0,
		.count = -1,
		.size = layout ? ebs_ring_sample_size(handler->map, layout->size) : 0,
	};
	lua_getiuservalue(L, -1, EBS_HANDLER_FUNCTIONS); // handler functions
	if (function)
		lua_pushvalue(L, function);
	else
		lua_pushboolean(L, false);
	lua_rawseti(L, -2, handler->plan_count); // handler functions
	lua_pop(L, 1);                           // handler
	plan->columns = function && ebs_to_columns(L, function);
	if (plan->columns)
		ebs_columns_check(L, function, layout);
	else if (function)
		plan_arguments(L, handler, function);
	if (layout && layout->kind == EBS_RECORD && plan->count < 0)
		plan->view_size = SIZE_MAX;
	plan->rest |=
		!layout || !function || layout->flexible || (plan->view_size && !plan->columns);
	return plan;
}

static const struct ebs_layout *find_type(lua_State *L, const struct script_handler *handler,
					  const char *name, int argument)
{
	return ebs_check_type(L, argument, ebs_object_types(handler->object->handle), name);
}

static void refuse_same_sizes(lua_State *L, const struct script_handler *handler)
{
	for (int i = 0; i < handler->plan_count; i++)
		for (int j = 0; j < i; j++) {
			const struct ebs_event_plan *one = &handler->plans[j];
			const struct ebs_event_plan *two = &handler->plans[i];

			if (one->size == two->size)
				luaL_argerror(
					L, 2,
					lua_pushfstring(L,
							"map '%s' carries %s and %s, which their "
							"sizes don't tell apart: name one by { "
							"type = \"%s\" }, or the field that does "
							"by { tag = ..., types = ... }",
							handler->map->name, one->layout->name,
							two->layout->name, one->layout->name));
		}
}

// Adds the types that the C is known to send, but for those that are there. Returns their number.
static int add_known_types(lua_State *L, struct script_handler *handler, int function)
{
	const struct ebs_layout *layouts[EBS_MAX_EVENT_TYPES];
	struct ebs_types *types = ebs_object_types(handler->object->handle);
	struct ebs_error error = { 0 };
	int count =
		ebs_types_samples(types, handler->source, layouts, EBS_MAX_EVENT_TYPES, &error);
	int before = handler->plan_count;

	if (count < 0)
		ebs_raise(L, &error);
	if (count > EBS_MAX_EVENT_TYPES)
		luaL_error(L, "map '%s' carries more than %d types of samples", handler->map->name,
			   EBS_MAX_EVENT_TYPES);
	for (int i = 0; i < count; i++) {
		bool known = false;

		for (int j = 0; j < before; j++)
			known |= handler->plans[j].layout->type_id == layouts[i]->type_id;
		if (!known)
			add_plan(L, handler, layouts[i], function);
	}
	return count;
}

// { ["struct a"] = function, ... }: samples of other types that the C sends are left out.
static void plan_by_size(lua_State *L, struct script_handler *handler)
{
	lua_pushnil(L);          // handler type
	while (lua_next(L, 3)) { // handler type function
		if (lua_type(L, -2) != LUA_TSTRING || !is_handler(L, -1))
			luaL_argerror(
				L, 3,
				"a table of handlers has names of types as keys and "
				"functions or columns as values; other keys need { tag = ... }");
		const struct ebs_layout *layout = find_type(L, handler, lua_tostring(L, -2), 3);
		int function = lua_gettop(L);

		lua_pushvalue(L, -3); // handler type function handler
		add_plan(L, handler, layout, function);
		lua_pop(L, 2); // handler type
	}
	if (handler->plan_count == 0)
		luaL_argerror(L, 3, "the table of handlers is empty");
	add_known_types(L, handler, 0);
	refuse_same_sizes(L, handler);
}

// The tag must stand at the same place in all types.
static void check_tag(lua_State *L, struct script_handler *handler, const struct ebs_layout *layout,
		      const char *tag)
{
	const struct ebs_field *field = ebs_layout_field(layout, tag);

	if (!field)
		luaL_argerror(L, 4,
			      lua_pushfstring(L, "%s has no field '%s' that could be the tag",
					      layout->name, tag));
	enum ebs_kind kind = field->layout->kind;
	if (field->bit_size || (kind != EBS_SIGNED && kind != EBS_UNSIGNED && kind != EBS_BOOL))
		luaL_argerror(L, 4,
			      lua_pushfstring(L, "the tag '%s' of %s is no integer or enum", tag,
					      layout->name));
	if (handler->tag &&
	    (handler->tag_offset != field->offset || handler->tag->size != field->layout->size))
		luaL_argerror(L, 4,
			      lua_pushfstring(L,
					      "the tag '%s' of %s doesn't stand where it does in "
					      "%s",
					      tag, layout->name, handler->plans[0].layout->name));
	if (!handler->tag) {
		handler->tag = field->layout;
		handler->tag_offset = field->offset;
	}
}

// The tag's value that the key at the index stands for: an integer, or an enumerator of its enum.
static int64_t tag_value(lua_State *L, const struct script_handler *handler, int index)
{
	struct ebs_types *types = ebs_object_types(handler->object->handle);
	const char *enumerator;
	int64_t value;

	if (lua_isinteger(L, index))
		return lua_tointeger(L, index);
	if (lua_type(L, index) != LUA_TSTRING)
		luaL_argerror(L, 4, "the keys of 'types' are integers or names of enumerators");
	const char *name = lua_tostring(L, index);
	for (uint32_t i = 0;
	     (enumerator = ebs_types_enumerator(types, handler->tag->type_id, i, &value)); i++)
		if (strcmp(enumerator, name) == 0)
			return value;
	return luaL_argerror(L, 4,
			     lua_pushfstring(L,
					     "the tag's type %s has no enumerator '%s': give its "
					     "number, or object:enum(\"enum ...\").%s",
					     handler->tag->name, name, name));
}

// Every handler must stand for one of the types.
static void check_handlers(lua_State *L, int types)
{
	for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) {
		if (!is_handler(L, -1))
			luaL_argerror(L, 3,
				      "the values in a table of handlers are functions or columns");
		lua_pushvalue(L, -2);                     // ... key function key
		if (lua_gettable(L, types) == LUA_TNIL) { // ... key function type
			const char *key = luaL_tolstring(L, -3, NULL);

			luaL_argerror(L, 3, lua_pushfstring(L, "option 'types' has no '%s'", key));
		}
		lua_pop(L, 1); // ... key function
	}
}

// { tag = "field", types = { [value] = "struct a", ... } }: samples with other values are left out.
static void plan_by_tag(lua_State *L, struct script_handler *handler, const char *tag)
{
	int self = lua_gettop(L);

	if (lua_getfield(L, 4, "types") != LUA_TTABLE) // handler types
		luaL_argerror(L, 4, "option 'tag' needs 'types', a table from its values to types");
	if (lua_istable(L, 3))
		check_handlers(L, self + 1);
	lua_pushnil(L);                 // handler types key
	while (lua_next(L, self + 1)) { // handler types key type
		if (lua_type(L, -1) != LUA_TSTRING)
			luaL_argerror(L, 4, "the values in 'types' are names of types");
		const struct ebs_layout *layout = find_type(L, handler, lua_tostring(L, -1), 4);
		int function = 3;

		check_tag(L, handler, layout, tag);
		int64_t value = tag_value(L, handler, -2);
		for (int i = 0; i < handler->plan_count; i++)
			if (handler->plans[i].tag == value)
				luaL_argerror(L, 4, "two keys of 'types' are the same value");
		if (lua_istable(L, 3)) {
			lua_pushvalue(L, -2); // handler types key type key
			function = lua_gettable(L, 3) == LUA_TNIL ? 0 : lua_gettop(L);
		}
		lua_pushvalue(L, self); // handler types key type ... handler
		add_plan(L, handler, layout, function)->tag = value;
		lua_settop(L, self + 2); // handler types key
	}
	if (handler->plan_count == 0)
		luaL_argerror(L, 4, "option 'types' is empty");
	lua_settop(L, self); // handler
}

static const char *text_option(lua_State *L, const char *name)
{
	return lua_isnoneornil(L, 4) ? NULL : ebs_text_option(L, 4, 4, name, NULL);
}

void ebs_handler_plan(lua_State *L, struct script_handler *handler)
{
	const char *type = text_option(L, "type");
	const char *tag = text_option(L, "tag");

	if (type && (tag || lua_istable(L, 3)))
		luaL_argerror(L, 4, "option 'type' is for one handler of one type");
	if (tag) {
		plan_by_tag(L, handler, tag);
	} else if (type) {
		add_plan(L, handler, find_type(L, handler, type, 4), 3);
	} else if (lua_istable(L, 3)) {
		plan_by_size(L, handler);
	} else {
		if (add_known_types(L, handler, 3) == 0)
			add_plan(L, handler, NULL, 3);
		refuse_same_sizes(L, handler);
	}
}
