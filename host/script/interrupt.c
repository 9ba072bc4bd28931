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

static void on_hook(lua_State *L, lua_Debug *activation)
{
	struct ebs_state *state = ebs_state(L);

	if (ebs_now_ns() - interrupted_at < GRACE_NS)
		return;
	lua_sethook(L, NULL, 0, 0);
	state->cut = true;
	lua_pushliteral(L, "interrupted");
	lua_error(L);
}

// lua_sethook() may be called at any moment, signal handlers included.
void ebs_interrupt(int number)
{
	struct ebs_state *state = interrupted_state;

	if (!state) // Lua has ended
		return;
	interrupted_at = ebs_now_ns();
	state->interrupted = true;
	lua_sethook(state->running ? state->running : state->L, on_hook,
		    LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, INSTRUCTIONS);
}

void ebs_interrupt_init(struct ebs_state *state)
{
	interrupted_state = state;
}
