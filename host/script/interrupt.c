// SPDX-License-Identifier: GPL-2.0-only
// SIGINT and SIGTERM while Lua code runs.
#include "base/clock.h"
#include "script/state.h"

// How long Lua code that runs when the signal comes may go on: a handler comes to its end, and
// isn't cut in the middle of a row; a script that is about to call bpf.run() gets there, which then
// returns at once.
#define GRACE_NS     200000000
#define INSTRUCTIONS 1000 // between two looks at the clock

static struct ebs_state *interrupted_state;
static int64_t interrupted_at;
static volatile sig_atomic_t armed; // hooks are set, and mean it

static void on_hook(lua_State *L, lua_Debug *activation)
{
	if (!armed) { // of a thread that slept meanwhile
		lua_sethook(L, NULL, 0, 0);
		return;
	}
	if (ebs_now_ns() - interrupted_at < GRACE_NS)
		return;
	// What closes variables on the way out may be short.
	lua_sethook(L, on_hook, LUA_MASKCOUNT, INSTRUCTIONS);
	ebs_interrupt_raise(L);
}

static void set_hook(lua_State *L)
{
	lua_sethook(L, on_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, INSTRUCTIONS);
}

// lua_sethook() may be called at any moment, signal handlers included.
void ebs_interrupt(int number)
{
	struct ebs_state *state = interrupted_state;

	if (!state) // Lua has ended
		return;
	interrupted_at = ebs_now_ns();
	state->interrupted = true;
	armed = true;
	set_hook(state->thread);
}

void ebs_interrupt_now(struct ebs_state *state)
{
	if (!interrupted_state)
		return;
	interrupted_at = 0;
	armed = true;
	set_hook(state->thread);
}

void ebs_interrupt_init(struct ebs_state *state)
{
	interrupted_state = state;
	armed = false;
}

lua_State *ebs_interrupt_switch(struct ebs_state *state, lua_State *thread)
{
	lua_State *before = state->thread;

	state->thread = thread;
	if (armed)
		set_hook(thread);
	return before;
}

int ebs_interrupt_raise(lua_State *L)
{
	ebs_state(L)->cut = true;
	lua_pushliteral(L, "interrupted");
	return lua_error(L);
}

bool ebs_interrupt_end(struct ebs_state *state)
{
	bool cut = state->cut;

	armed = false;
	state->cut = false;
	return cut;
}

bool ebs_interrupt_is_pending(void)
{
	return armed;
}
