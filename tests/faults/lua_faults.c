// SPDX-License-Identifier: GPL-2.0-only
// The Lua state's allocator, and the table `faults` of scripts.
#include "faults.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void __real_luaL_openlibs(lua_State *L);
lua_State *__real_luaL_newstate(void);
void __wrap_luaL_openlibs(lua_State *L);
lua_State *__wrap_luaL_newstate(void);

// Lua's own functions for memory, which collect and ask again; its library of buffers asks once.
extern const char luaM_toobig[] __attribute__((weak));
extern const char luaM_malloc_[] __attribute__((weak));

static bool asks_again(const char *caller)
{
	return caller > luaM_toobig && caller < luaM_malloc_ + 256;
}

// A stack is never smaller: 45 values of 16 bytes each (lstate.h). Where one can't grow, Lua 5.4.7
// doesn't collect.
static bool may_be_stack(const void *block, size_t size)
{
	return block && size >= 45 * 16 && size % 16 == 0;
}

static void *allocate(void *context, void *block, size_t old_size, size_t size)
{
	static bool again; // the state asks a second time, after it has collected
	static unsigned long grown;
	unsigned long every = fault_collect_every();

	if (!size) {
		__real_free(block);
		return NULL;
	}
	// What grows smaller must not fail: Lua relies on it.
	if (!block || size > old_size) {
		if (fault_is_due(FAULT_LUA))
			return NULL;
		if (every && !again && !may_be_stack(block, old_size) &&
		    asks_again(__builtin_return_address(0)) && ++grown % every == 0) {
			again = true;
			return NULL;
		}
		again = false;
	}
	return __real_realloc(block, size);
}

lua_State *__wrap_luaL_newstate(void)
{
	lua_State *L = fault_is_due(FAULT_LUA) ? NULL : __real_luaL_newstate();

	if (L)
		lua_setallocf(L, allocate, NULL);
	return L;
}

// faults.arm(kind, nth [, count])
static int faults_arm(lua_State *L)
{
	fault_arm(luaL_checkoption(L, 1, NULL, fault_kinds), luaL_checkinteger(L, 2),
		  luaL_optinteger(L, 3, 1));
	return 0;
}

// faults.disarm() -> how many failed
static int faults_disarm(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)fault_disarm());
	return 1;
}

// faults.mark(): leaks() tells of what is allocated from now on.
static int faults_mark(lua_State *L)
{
	block_mark();
	return 0;
}

#define TOLD 4 // blocks

struct leaks {
	unsigned count;
	uintptr_t callers[TOLD][BLOCK_CALLERS + 1];
};

static void add_leak(void *context, const uintptr_t *callers)
{
	struct leaks *leaks = context;

	if (leaks->count < TOLD)
		memcpy(leaks->callers[leaks->count], callers, sizeof(leaks->callers[0]));
	leaks->count++;
}

// faults.leaks() -> how many of the host's blocks since the mark are in use, and the callers of the
// first
static int faults_leaks(lua_State *L)
{
	struct leaks leaks = { 0 };
	char place[32];
	luaL_Buffer callers;

	block_visit(add_leak, &leaks);
	lua_pushinteger(L, leaks.count);
	luaL_buffinit(L, &callers);
	for (unsigned i = 0; i < leaks.count && i < TOLD; i++)
		for (const uintptr_t *caller = leaks.callers[i]; *caller; caller++) {
			snprintf(place, sizeof(place), " %lx", *caller);
			luaL_addstring(&callers, place);
		}
	luaL_pushresult(&callers);
	return 2;
}

static const luaL_Reg functions[] = {
	{ "arm", faults_arm },
	{ "disarm", faults_disarm },
	{ "leaks", faults_leaks },
	{ "mark", faults_mark },
	{ NULL, NULL },
};

void __wrap_luaL_openlibs(lua_State *L)
{
	__real_luaL_openlibs(L);
	luaL_newlib(L, functions);
	lua_setglobal(L, "faults");
}
