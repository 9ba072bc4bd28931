// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.Timer.
#include <math.h>

#include "script/bpf.h"

#define CLASS "bpf.Timer"

// User value 1 is the function. The registry keeps a running timer alive.
struct script_timer {
	struct ebs_timer *timer; // NULL once closed
	lua_Integer missed;      // what it left out until then
	struct ebs_state *state;
};

static int deliver(lua_State *L)
{
	struct script_timer *self = lua_touserdata(L, 1);

	lua_rawgetp(L, LUA_REGISTRYINDEX, self); // timer
	lua_getiuservalue(L, -1, 1);             // timer function
	lua_call(L, 0, 0);                       // timer
	return 0;
}

static int on_tick(void *context)
{
	struct script_timer *self = context;

	return ebs_call_protected(self->state, deliver, self);
}

// bpf.every(seconds, on_tick)
int ebs_bpf_every(lua_State *L)
{
	lua_Number seconds = luaL_checknumber(L, 1);
	struct ebs_error error = { 0 };

	luaL_argcheck(L, seconds > 0 && seconds <= 1e9, 1, "seconds must be above 0");
	luaL_checktype(L, 2, LUA_TFUNCTION);
	ebs_refuse_at_end(L);
	struct script_timer *self = lua_newuserdatauv(L, sizeof(*self), 1); // timer
	self->timer = NULL;
	self->missed = 0;
	self->state = ebs_state(L);
	luaL_setmetatable(L, CLASS);
	lua_pushvalue(L, 2);                     // timer function
	lua_setiuservalue(L, -2, 1);             // timer
	lua_pushvalue(L, -1);                    // timer timer
	lua_rawsetp(L, LUA_REGISTRYINDEX, self); // timer
	self->timer = ebs_loop_every(self->state->loop, seconds, on_tick, self, &error);
	if (!self->timer) {
		lua_pushnil(L);                          // timer nil
		lua_rawsetp(L, LUA_REGISTRYINDEX, self); // timer
		return ebs_raise(L, &error);
	}
	return 1;
}

static int timer_close(lua_State *L)
{
	struct script_timer *self = luaL_checkudata(L, 1, CLASS);

	if (self->timer)
		self->missed = ebs_timer_missed(self->timer);
	ebs_timer_free(self->timer);
	self->timer = NULL;
	lua_pushnil(L);                          // nil
	lua_rawsetp(L, LUA_REGISTRYINDEX, self); // -
	return 0;
}

// timer:missed()
static int timer_missed(lua_State *L)
{
	struct script_timer *self = luaL_checkudata(L, 1, CLASS);

	lua_pushinteger(L, self->timer ? (lua_Integer)ebs_timer_missed(self->timer) : self->missed);
	return 1;
}

static int timer_tostring(lua_State *L)
{
	struct script_timer *self = luaL_checkudata(L, 1, CLASS);

	lua_pushstring(L, self->timer ? CLASS : CLASS " (closed)");
	return 1;
}

static const luaL_Reg methods[] = {
	{ "close", timer_close },
	{ "missed", timer_missed },
	{ NULL, NULL },
};

static const luaL_Reg metamethods[] = {
	{ "__close", timer_close },
	{ "__gc", timer_close },
	{ "__tostring", timer_tostring },
	{ NULL, NULL },
};

void ebs_register_timer(lua_State *L)
{
	ebs_new_class(L, CLASS, methods, metamethods);
}
