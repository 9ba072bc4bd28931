// SPDX-License-Identifier: GPL-2.0-only
// Loops over maps: pairs(map), map:pairs([field, ...]), map:drain([field, ...]).
#include <linux/bpf.h>
#include <stdio.h>

#include "script/map.h"
#include "script/value_step.h"

// The state of a loop, and the first upvalue of its iterator: userdata that keeps the map alive and
// owns the entries that are handed out.
#define WALK_CLASS "bpf.Walk"

struct script_walk {
	struct script_map *self; // kept alive by user value 1
	// In the list of the object's, as views are of its types; NULL: in none.
	struct script_walk **place;
	struct script_walk *next_walk;
	struct ebs_map_walk *walk; // NULL: at its end
	struct ebs_weight weight;
	struct ebs_map_batch batch;
	uint32_t next;                // in the batch
	uint32_t index;               // the current key, where the batch has no keys
	struct ebs_lifetime lifetime; // of the current entry's views
	bool key_view;                // the key comes as a view
	bool value_view;              // so does the value, as a whole
	bool by_get;                  // the value is handed out as get() does
	int count;                    // what follows the key: the value, or so many of its fields
	struct ebs_step key;
	struct ebs_step values[];
};

static void free_walk(struct ebs_state *state, struct script_walk *walk)
{
	ebs_map_walk_free(walk->walk);
	walk->walk = NULL;
	ebs_weigh(state, &walk->weight, (struct ebs_weight){ 0 });
}

static void enlist(struct script_walk *walk, struct script_walk **place)
{
	walk->place = place;
	walk->next_walk = *place;
	if (walk->next_walk)
		walk->next_walk->place = &walk->next_walk;
	*place = walk;
}

static void delist(struct script_walk *walk)
{
	if (!walk->place)
		return;
	*walk->place = walk->next_walk;
	if (walk->next_walk)
		walk->next_walk->place = walk->place;
	walk->place = NULL;
}

static void end_walk(struct ebs_state *state, struct script_walk *walk)
{
	free_walk(state, walk);
	walk->batch.count = 0;
	walk->next = 0;
	ebs_lifetime_end(&state->views, &walk->lifetime);
	delist(walk);
}

void ebs_walks_end(struct script_object *object)
{
	while (object->walks)
		end_walk(object->state, object->walks);
}

static int walk_gc(lua_State *L)
{
	end_walk(ebs_state(L), luaL_checkudata(L, 1, WALK_CLASS));
	return 0;
}

const struct ebs_field *ebs_check_value_field(lua_State *L, int index, const struct ebs_map *map)
{
	const char *name = luaL_checkstring(L, index);
	const struct ebs_layout *layout = map->value;

	if (!layout || layout->kind != EBS_RECORD)
		luaL_argerror(L, index,
			      lua_pushfstring(L,
					      "values of map '%s' (%s) are no structs with fields",
					      map->name, layout ? layout->name : "type not known"));
	const struct ebs_field *field = ebs_layout_field(layout, name);
	if (!field)
		luaL_argerror(L, index,
			      lua_pushfstring(L, "%s has no field '%s'; its fields are: %s",
					      layout->name, name, ebs_push_field_names(L, layout)));
	return field;
}

// Pushes a walk that is not opened yet, with room for so many steps.
static struct script_walk *new_walk(lua_State *L, struct script_map *self, int count)
{
	ebs_refuse_at_end(L);
	struct script_walk *walk =
		lua_newuserdatauv(L, sizeof(*walk) + count * sizeof(walk->values[0]), 1); // walk

	*walk = (struct script_walk){ .self = self, .count = count };
	luaL_setmetatable(L, WALK_CLASS);
	lua_pushvalue(L, 1);         // walk map
	lua_setiuservalue(L, -2, 1); // walk
	ebs_lifetime_begin(L, &walk->lifetime, -1);
	if (self->object)
		enlist(walk, &self->object->walks);
	return walk;
}

static struct ebs_map_walk *open_walk(lua_State *L, struct script_walk *walk, bool drain,
				      struct ebs_error *error)
{
	bool tried = false;

	ebs_make_room(L);
	do
		walk->walk = ebs_map_walk_new(walk->self->map, drain, error);
	while (!walk->walk && ebs_try_again(L, error, &tried));
	if (walk->walk)
		ebs_weigh(ebs_state(L), &walk->weight, ebs_map_walk_weight(walk->walk));
	return walk->walk;
}

struct ebs_map_walk *ebs_push_walk(lua_State *L, struct script_map *self, struct ebs_error *error)
{
	struct script_walk *walk = new_walk(L, self, 0); // walk

	return open_walk(L, walk, false, error);
}

// Pushes the walk over the map at index 1. The arguments behind it name fields of the value.
static void push_loop_walk(lua_State *L, bool drain)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_WALK);
	struct ebs_map *map = self->map;
	struct ebs_error error = { 0 };
	int fields = lua_gettop(L) - 1;
	struct script_walk *walk = new_walk(L, self, fields ? fields : 1); // walk

	walk->key_view = ebs_has_view(map->key);
	walk->value_view = !fields && !map->per_cpu && ebs_has_view(map->value);
	walk->by_get = !fields && map->kind->value != EBS_VALUE_PLAIN && !walk->value_view;
	walk->key = ebs_step_value(map->key, map->key_size);
	walk->values[0] = ebs_step_value(map->value, map->value_size);
	for (int i = 0; i < fields; i++)
		walk->values[i] =
			ebs_step_field(ebs_check_value_field(L, i + 2, map), map->value_size);
	if (!open_walk(L, walk, drain, &error))
		ebs_raise(L, &error);
}

// Reads the next entries. Are there any?
static bool refill(lua_State *L, struct script_walk *walk)
{
	struct ebs_error error = { 0 };

	walk->next = 0;
	walk->batch.count = 0;
	int result = walk->walk ? ebs_map_walk_fill(walk->walk, &walk->batch, &error) : 0;
	walk->lifetime.shared = !walk->batch.keys; // an array, which is read where it is
	if (result <= 0)
		free_walk(ebs_state(L), walk);
	if (result < 0)
		ebs_raise(L, &error);
	return result > 0;
}

// A value that stands for something else, as the kind of the map says.
static int push_by_get(lua_State *L, struct script_walk *walk, const uint8_t *value)
{
	struct ebs_error error = { 0 };

	lua_getiuservalue(L, lua_upvalueindex(1), 1); // key map
	if (ebs_push_map_value(L, -1, walk->self, value, &error))
		return ebs_raise(L, &error);
	lua_remove(L, -2); // key value
	return 2;
}

// The iterator: gives key, value or key, field, ... This is what each turn of a loop costs, so
// that nothing is looked up or checked here that can be beforehand.
static int walk_next(lua_State *L)
{
	struct script_walk *walk = lua_touserdata(L, lua_upvalueindex(1));
	const struct ebs_map *map = walk->self->map;

	ebs_lifetime_end(&ebs_state(L)->views, &walk->lifetime);
	if (walk->walk && !ebs_map_is_open(walk->self))
		return luaL_error(L, "the map%s was closed inside the loop over it",
				  walk->self->own ? "" : "'s object");
	if (walk->next == walk->batch.count && !refill(L, walk)) {
		lua_pushnil(L);
		return 1;
	}
	const struct ebs_map_batch *batch = &walk->batch;
	const uint8_t *key = (const uint8_t *)&walk->index;
	const uint8_t *value = batch->values + walk->next * batch->stride;
	if (batch->keys)
		key = batch->keys + (size_t)walk->next * map->key_size;
	else
		walk->index = walk->next;
	walk->next++;

	if (walk->count > LUA_MINSTACK - 8)
		luaL_checkstack(L, walk->count + 8, "too many fields");
	if (walk->key_view)
		ebs_push_view(L, map->key, key, map->key_size, &walk->lifetime); // key
	else if (!batch->keys && walk->key.kind == EBS_STEP_SHORT)
		lua_pushinteger(L, walk->index); // key
	else
		ebs_push_step(L, &walk->key, key, map->key_size); // key
	if (walk->value_view) {
		ebs_push_view(L, map->value, value, map->value_size, &walk->lifetime); // key value
		return 2;
	}
	if (walk->by_get)
		return push_by_get(L, walk, value);
	for (int i = 0; i < walk->count; i++) {
		if (map->per_cpu)
			ebs_push_cpus(L, map, &walk->values[i], value); // key value...
		else
			ebs_push_step(L, &walk->values[i], value, map->value_size);
	}
	return 1 + walk->count;
}

// What a generic `for` takes. It could close a fourth value when the loop is left early; but Lua
// 5.4.4 forgets that at a `break` where a function in the loop uses one of its variables, and then
// takes whatever lies there for what is to be closed. So that is left to the collector.
static int push_loop(lua_State *L, bool drain)
{
	push_loop_walk(L, drain);          // walk
	lua_pushcclosure(L, walk_next, 1); // next
	return 1;
}

int ebs_map_pairs(lua_State *L)
{
	return push_loop(L, false);
}

// Such a map throws old entries away when it is full, and no second half helps against that.
static void tell_lossy(lua_State *L, struct ebs_map *map)
{
	bool lossy = map->halves && (map->type == BPF_MAP_TYPE_LRU_HASH ||
				     map->type == BPF_MAP_TYPE_LRU_PERCPU_HASH);

	if (lossy && !map->lossy_told)
		fprintf(stderr,
			"ebscript: %s: map \"%s\" of EBS_DRAINED() is %s, which drops entries with "
			"their counts when it is full: BPF_MAP_TYPE_HASH counts what it has no "
			"room for\n",
			ebs_state(L)->name, map->name, ebs_map_type_name(map));
	map->lossy_told |= lossy;
}

int ebs_map_drain(lua_State *L)
{
	struct ebs_map *map = ebs_check_map_can(L, 1, EBS_MAP_WALK)->map;

	if (map->kind->value == EBS_VALUE_MAP)
		luaL_argerror(L, 1,
			      lua_pushfstring(L,
					      "map '%s' (%s) has no drain(): an inner map is gone "
					      "once it is taken out; use pairs() and delete()",
					      map->name, ebs_map_type_name(map)));
	tell_lossy(L, map);
	return push_loop(L, true);
}

static const luaL_Reg methods[] = {
	{ NULL, NULL },
};

static const luaL_Reg metamethods[] = {
	{ "__gc", walk_gc },
	{ NULL, NULL },
};

void ebs_register_walk(lua_State *L)
{
	ebs_new_class(L, WALK_CLASS, methods, metamethods);
}
