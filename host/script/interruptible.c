// SPDX-License-Identifier: GPL-2.0-only
// Lua's functions that run other threads or catch errors, so made that a signal gets through them.
//
// A hook belongs to a thread, so it must be known which one runs: the host's own resume() and
// wrap() tell. Nothing in Lua that catches errors catches the end of the script.
#include "script/state.h"

// Runs the thread with so many values from the top of the stack. Returns how many values came back,
// or -1 with an error value, which stand on the stack instead.
static int run_thread(lua_State *L, lua_State *thread, int arguments)
{
	struct ebs_state *state = ebs_state(L);
	bool was_cut = state->cut;
	int count;

	if (!lua_checkstack(thread, arguments)) {
		lua_pop(L, arguments);
		lua_pushliteral(L, "too many arguments to resume");
		return -1;
	}
	lua_xmove(L, thread, arguments);
	lua_State *outer = ebs_interrupt_switch(state, thread);
	int status = lua_resume(thread, L, arguments, &count);
	ebs_interrupt_switch(state, outer);
	if (state->cut && !was_cut)
		ebs_interrupt_raise(L);
	if (status != LUA_OK && status != LUA_YIELD) {
		lua_xmove(thread, L, 1);
		return -1;
	}
	if (!lua_checkstack(L, count + LUA_MINSTACK)) {
		lua_pop(thread, count);
		lua_pushliteral(L, "too many results to resume");
		return -1;
	}
	lua_xmove(thread, L, count);
	return count;
}

// Closes the variables of a thread that sleeps or has failed. Returns its status.
static int close_thread(lua_State *L, lua_State *thread)
{
	struct ebs_state *state = ebs_state(L);
	lua_State *outer = ebs_interrupt_switch(state, thread);
	int status = lua_resetthread(thread);

	ebs_interrupt_switch(state, outer);
	return status;
}

static lua_State *check_thread(lua_State *L)
{
	lua_State *thread = lua_tothread(L, 1);

	luaL_argexpected(L, thread, 1, "coroutine");
	return thread;
}

// (thread, ...) -> true, ... | false, error
static int resume(lua_State *L)
{
	lua_State *thread = check_thread(L);
	int count = run_thread(L, thread, lua_gettop(L) - 1); // thread result...

	lua_pushboolean(L, count >= 0); // thread result... success
	lua_replace(L, 1);              // success result...
	return lua_gettop(L);
}

// What wrap() returns; upvalue 1 is the thread.
static int call_thread(lua_State *L)
{
	lua_State *thread = lua_tothread(L, lua_upvalueindex(1));
	int count = run_thread(L, thread, lua_gettop(L)); // result...
	int status = lua_status(thread);

	if (count >= 0)
		return count;
	if (status != LUA_OK && status != LUA_YIELD) { // closing its variables may fail, too
		status = close_thread(L, thread);
		lua_settop(L, 0);
		lua_xmove(thread, L, 1); // error
	}
	if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
		luaL_where(L, 1); // error position
		lua_insert(L, -2);
		lua_concat(L, 2); // error
	}
	return lua_error(L);
}

static int wrap(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TFUNCTION);
	lua_State *thread = lua_newthread(L); // function thread

	lua_pushvalue(L, 1);
	lua_xmove(L, thread, 1);
	lua_pushcclosure(L, call_thread, 1); // function call
	return 1;
}

// Upvalue 1 is Lua's own, which raises for a thread that runs, before it does anything.
static int close_coroutine(lua_State *L)
{
	struct ebs_state *state = ebs_state(L);
	lua_State *thread = check_thread(L);
	bool sleeps = lua_status(thread) == LUA_YIELD;
	bool was_cut = state->cut;
	lua_State *outer = state->thread;

	if (sleeps)
		ebs_interrupt_switch(state, thread);
	int count = lua_tocfunction(L, lua_upvalueindex(1))(L);
	if (sleeps)
		ebs_interrupt_switch(state, outer);
	return state->cut && !was_cut ? ebs_interrupt_raise(L) : count;
}

// What a protected call knows at its end, also where a yield was in between.
enum {
	WITH_HANDLER = 2, // values that stand below the results
	WAS_CUT = 4,      // the script was on its way out when the call began
};

static int finish_call(lua_State *L, int status, lua_KContext context)
{
	if (status == LUA_OK || status == LUA_YIELD)
		return lua_gettop(L) - (int)(context & WITH_HANDLER);
	if (ebs_state(L)->cut && !(context & WAS_CUT))
		return ebs_interrupt_raise(L);
	lua_pushboolean(L, false); // ... error false
	lua_insert(L, -2);         // ... false error
	return 2;
}

static int protected_call(lua_State *L)
{
	lua_KContext context = ebs_state(L)->cut ? WAS_CUT : 0;

	luaL_checkany(L, 1);
	lua_pushboolean(L, true);
	lua_insert(L, 1); // true function argument...
	int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, context, finish_call);
	return finish_call(L, status, context);
}

static int protected_call_with_handler(lua_State *L)
{
	lua_KContext context = WITH_HANDLER | (ebs_state(L)->cut ? WAS_CUT : 0);
	int arguments = lua_gettop(L) - 2;

	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_pushboolean(L, true);
	lua_pushvalue(L, 1);
	lua_rotate(L, 3, 2); // function handler true function argument...
	int status = lua_pcallk(L, arguments, LUA_MULTRET, 2, context, finish_call);
	return finish_call(L, status, context);
}

void ebs_open_interruptible(lua_State *L)
{
	lua_register(L, "pcall", protected_call);
	lua_register(L, "xpcall", protected_call_with_handler);
	lua_getglobal(L, "coroutine"); // coroutine
	lua_pushcfunction(L, resume);
	lua_setfield(L, -2, "resume");
	lua_pushcfunction(L, wrap);
	lua_setfield(L, -2, "wrap");
	lua_getfield(L, -1, "close");            // coroutine close
	lua_pushcclosure(L, close_coroutine, 1); // coroutine close
	lua_setfield(L, -2, "close");
	lua_pop(L, 1); // -
}
