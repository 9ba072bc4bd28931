// SPDX-License-Identifier: GPL-2.0-only
// Values of maps, where they stand for something: maps, programs, sockets, devices, stacks.
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "kernel/map_open.h"
#include "script/map.h"
#include "script/value_step.h"

static void store(uint8_t *out, uint32_t size, uint64_t number)
{
	uint32_t word = (uint32_t)number;

	memset(out, 0, size);
	if (size == sizeof(number))
		memcpy(out, &number, size);
	else
		memcpy(out, &word, sizeof(word));
}

static uint32_t word_at(const uint8_t *data)
{
	uint32_t word;

	memcpy(&word, data, sizeof(word));
	return word;
}

// The value's first word: a number, or the name of an interface.
static uint32_t check_word(lua_State *L, int argument, int index, bool interface)
{
	if (interface && lua_type(L, index) == LUA_TSTRING) {
		unsigned ifindex = if_nametoindex(lua_tostring(L, index));

		if (!ifindex)
			luaL_argerror(L, argument,
				      lua_pushfstring(L,
						      "value: there is no network interface '%s'",
						      lua_tostring(L, index)));
		return ifindex;
	}
	if (!lua_isinteger(L, index) || lua_tointeger(L, index) < 0 ||
	    lua_tointeger(L, index) > UINT32_MAX)
		luaL_argerror(
			L, argument,
			interface ? "value: the name or number of a network interface expected"
				  : "value: the length of the queue expected");
	return (uint32_t)lua_tointeger(L, index);
}

// A device or CPU: its word alone, or a table with the word and a program.
static void read_target(lua_State *L, int argument, const struct ebs_map *map, uint8_t *out)
{
	bool interface = map->kind->value == EBS_VALUE_DEVICE;
	const char *names[] = { interface ? "ifindex" : "qsize", "program", NULL };

	memset(out, 0, map->value_size);
	if (!lua_istable(L, argument)) {
		store(out, 4, check_word(L, argument, argument, interface));
		return;
	}
	ebs_check_option_names(L, argument, names);
	lua_getfield(L, argument, names[0]); // word
	store(out, 4, check_word(L, argument, lua_gettop(L), interface));
	lua_pop(L, 1);                        // -
	lua_getfield(L, argument, "program"); // program
	if (!lua_isnil(L, -1)) {
		luaL_argcheck(L, map->value_size == 8, argument,
			      "value: this map's values have no room for a program");
		luaL_argcheck(L, luaL_testudata(L, -1, EBS_PROGRAM_CLASS), argument,
			      "value.program: a bpf.Program expected");
		store(out + 4, 4, ebs_program_fd(ebs_check_program(L, lua_gettop(L))));
	}
	lua_pop(L, 1); // -
}

// A per-CPU value is a sequence with one value for each CPU.
static void read_cpus(lua_State *L, const struct script_map *self, int index, uint8_t *out)
{
	const struct ebs_map *map = self->map;
	char what[32];

	luaL_checktype(L, index, LUA_TTABLE);
	if (lua_rawlen(L, index) != map->cpus)
		luaL_argerror(
			L, index,
			lua_pushfstring(L, "a per-CPU value is a sequence of %d values, one a CPU",
					(int)map->cpus));
	memset(out, 0, ebs_map_value_bytes(map));
	for (unsigned cpu = 0; cpu < map->cpus; cpu++) {
		snprintf(what, sizeof(what), "value[%u]", cpu + 1);
		lua_rawgeti(L, index, cpu + 1); // value
		ebs_read_map_part(L, index, lua_gettop(L), self, map->value, map->value_size,
				  out + (size_t)cpu * map->stride, what);
		lua_pop(L, 1); // -
	}
}

void ebs_read_map_value(lua_State *L, const struct script_map *self, int index, uint8_t *out,
			struct ebs_map_owner *owner)
{
	const struct ebs_map *map = self->map;

	*owner = (struct ebs_map_owner){ .kind = EBS_OWNER_NONE, .fd = -1 };
	switch (map->kind->value) {
	case EBS_VALUE_MAP:
		store(out, map->value_size, ebs_check_map(L, index)->map->fd);
		return;
	case EBS_VALUE_PROGRAM:
		store(out, map->value_size, ebs_program_fd(ebs_check_program(L, index)));
		return;
	case EBS_VALUE_CGROUP:
		ebs_read_map_owner(L, index, EBS_KEY_CGROUP, "value", out, owner);
		return;
	case EBS_VALUE_SOCKET:
		if (!lua_isinteger(L, index) || lua_tointeger(L, index) < 0 ||
		    lua_tointeger(L, index) > INT_MAX)
			luaL_argerror(L, index, "value: the descriptor of a socket expected");
		store(out, map->value_size, lua_tointeger(L, index));
		return;
	case EBS_VALUE_DEVICE:
	case EBS_VALUE_CPU:
		read_target(L, index, map, out);
		return;
	case EBS_VALUE_PLAIN:
	case EBS_VALUE_ADDRESSES:
	case EBS_VALUE_STATE:
		break;
	}
	if (map->per_cpu)
		read_cpus(L, self, index, out);
	else
		ebs_read_map_part(L, index, index, self, map->value, map->value_size, out, "value");
}

void ebs_push_cpus(lua_State *L, const struct ebs_map *map, const struct ebs_step *step,
		   const uint8_t *value)
{
	lua_createtable(L, (int)map->cpus, 0); // values
	for (unsigned cpu = 0; cpu < map->cpus; cpu++) {
		ebs_push_step(L, step, value + (size_t)cpu * map->stride,
			      map->value_size); // values value
		lua_rawseti(L, -2, cpu + 1);    // values
	}
}

static void push_whole_cpus(lua_State *L, const struct ebs_map *map, const uint8_t *value)
{
	struct ebs_step step = ebs_step_value(map->value, map->value_size);

	ebs_push_cpus(L, map, &step, value);
}

static int push_inner(lua_State *L, int index, const struct ebs_map *outer, uint32_t id,
		      struct ebs_error *error)
{
	struct script_map *inner = ebs_push_own_map(L, index); // map
	bool tried = false;

	do
		inner->map = ebs_map_open_inner(outer, id, error);
	while (!inner->map && ebs_try_again(L, error, &tried));
	if (inner->map) {
		ebs_finish_own_map(L, inner, false);
		return 0;
	}
	lua_pop(L, 1); // -
	if (strcmp(error->code, "ENOENT"))
		return -EPERM;
	ebs_error_clear(error);
	lua_pushnil(L); // nil
	return 0;
}

static void push_addresses(lua_State *L, const uint8_t *value, uint32_t size)
{
	uint64_t address;

	lua_createtable(L, 16, 0); // addresses
	for (uint32_t i = 0; i < size / sizeof(address); i++) {
		memcpy(&address, value + i * sizeof(address), sizeof(address));
		if (!address)
			break;
		lua_pushinteger(L, (lua_Integer)address); // addresses address
		lua_rawseti(L, -2, i + 1);                // addresses
	}
}

// Likewise of entries that tell a file by its build id, and the place in it; or the address, where
// the file couldn't be read.
static void push_places(lua_State *L, const uint8_t *value, uint32_t size)
{
	struct bpf_stack_build_id place;

	lua_createtable(L, 16, 0); // places
	for (uint32_t i = 0; i < size / sizeof(place); i++) {
		memcpy(&place, value + i * sizeof(place), sizeof(place));
		if (place.status == BPF_STACK_BUILD_ID_EMPTY)
			break;
		lua_createtable(L, 0, 2); // places place
		lua_pushinteger(L, (lua_Integer)place.offset);
		if (place.status == BPF_STACK_BUILD_ID_VALID) {
			lua_setfield(L, -2, "offset");
			lua_pushlstring(L, (char *)place.build_id, sizeof(place.build_id));
			lua_setfield(L, -2, "build_id");
		} else {
			lua_setfield(L, -2, "ip");
		}
		lua_rawseti(L, -2, i + 1); // places
	}
}

// The head that every kind of struct_ops has: struct bpf_struct_ops_common_value.
static void push_state(lua_State *L, const uint8_t *value)
{
	static const char *const states[] = { "init", "inuse", "tobefree", "ready" };
	uint32_t state = word_at(value + 4);

	lua_createtable(L, 0, 2); // state
	lua_pushstring(L, state < sizeof(states) / sizeof(states[0]) ? states[state] : "unknown");
	lua_setfield(L, -2, "state");
	lua_pushinteger(L, word_at(value));
	lua_setfield(L, -2, "refcnt");
}

int ebs_push_map_value(lua_State *L, int index, const struct script_map *self, const uint8_t *value,
		       struct ebs_error *error)
{
	const struct ebs_map *map = self->map;

	if (map->kind->value == EBS_VALUE_MAP)
		return push_inner(L, index, map, word_at(value), error);
	if (map->kind->value == EBS_VALUE_ADDRESSES && map->flags & BPF_F_STACK_BUILD_ID)
		push_places(L, value, map->value_size);
	else if (map->kind->value == EBS_VALUE_ADDRESSES)
		push_addresses(L, value, map->value_size);
	else if (map->kind->value == EBS_VALUE_STATE && map->value_size >= 8)
		push_state(L, value);
	else if (map->per_cpu)
		push_whole_cpus(L, map, value);
	else
		ebs_push_value(L, map->value, value, map->value_size);
	return 0;
}
