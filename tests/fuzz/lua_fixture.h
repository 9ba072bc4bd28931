// SPDX-License-Identifier: GPL-2.0-only
// A Lua state for fuzzers, whose memory has an end.
#ifndef EBS_TESTS_FUZZ_LUA_H
#define EBS_TESTS_FUZZ_LUA_H

#include "fuzz.h"

#include "script/state.h"
#include "script/value.h"

#define LUA_MEMORY (64u << 20) // bytes; more than any sample of a fuzzer's size may cost

static size_t lua_in_use;

static inline void *allocate(void *context, void *block, size_t old_size, size_t size)
{
	old_size = block ? old_size : 0;
	if (size > old_size && lua_in_use + (size - old_size) > LUA_MEMORY)
		return NULL;
	if (!size) {
		free(block);
		block = NULL;
	} else {
		block = realloc(block, size);
		MUST(block);
	}
	lua_in_use += size - old_size;
	return block;
}

static inline lua_State *new_lua(void)
{
	static struct ebs_state state;
	lua_State *L = lua_newstate(allocate, NULL);

	MUST(L);
	state.L = L;
	*(struct ebs_state **)lua_getextraspace(L) = &state;
	ebs_register_view(L);
	lua_settop(L, 0);
	return L;
}

// Runs the function with `argument` as light userdata. Memory may come to its end: types can be
// made so that the same few bytes are many values.
static inline void run_protected(lua_State *L, lua_CFunction function, void *argument)
{
	lua_settop(L, 0);
	lua_pushcfunction(L, function);
	lua_pushlightuserdata(L, argument);
	int status = lua_pcall(L, 1, 0, 0);

	MUST(status == LUA_OK || status == LUA_ERRRUN || status == LUA_ERRMEM);
	lua_settop(L, 0);
}

#endif
