// SPDX-License-Identifier: GPL-2.0-only
// The module bpf.
#include <errno.h>
#include <unistd.h>

#include "compile/compile.h"
#include "script/bpf.h"
#include "script/gone.h"
#include "script/lua_format.h"
#include "script/object.h"
#include "script/pinned_link.h"
#include "script/printk.h"
#include "script/privileges.h"
#include "script/script.h"

#define GRACE      2.0 // seconds
#define MOST_GRACE 1e6

extern const char ebs_prelude[];
extern const size_t ebs_prelude_size;

static struct script_object *first_undrained(struct ebs_state *state)
{
	struct script_object *object = state->objects;

	while (object && object->drained)
		object = object->next;
	return object;
}

// Hands over what the ring buffers still hold when the loop has ended. A handler may close any
// object, so the list is read anew after each. Returns 0, or a negative number when it was left
// early.
static int drain(struct ebs_state *state)
{
	struct script_object *object;

	for (object = state->objects; object; object = object->next)
		object->drained = false;
	while ((object = first_undrained(state))) {
		object->drained = true;
		int result = ebs_handlers_drain(object);
		if (result)
			return result;
	}
	return 0;
}

// Seconds of processor time that what stands behind bpf.run() may take after a signal.
static double check_grace(lua_State *L)
{
	static const char *const names[] = { "grace", NULL };

	if (lua_isnoneornil(L, 1))
		return GRACE;
	ebs_check_option_names(L, 1, names);
	if (lua_getfield(L, 1, "grace") == LUA_TNIL)
		return GRACE;
	double grace = lua_tonumber(L, -1);
	luaL_argcheck(L, grace > 0 && grace <= MOST_GRACE, 1,
		      "option 'grace' must be seconds, above 0 and up to 1e6");
	return grace;
}

// bpf.run([options])
int ebs_bpf_run(lua_State *L)
{
	struct ebs_state *state = ebs_state(L);
	struct ebs_error error = { 0 };
	double grace = check_grace(L);
	bool tried = false;

	ebs_refuse_at_end(L);
	if (state->running)
		return luaL_error(L, "bpf.run() runs already: a handler can't call it");
	lua_settop(L, 0);
	if (state->options->check)
		return ebs_finish(L);
	ebs_tell_unattached(state);
	ebs_stats_stop(&state->stats);
	// Here, and not before: while nothing is attached yet nothing else should take time.
	while (ebs_loop_open(state->loop, &error) || ebs_handlers_watch(state, &error) ||
	       ebs_printk_watch(state, &error) || ebs_gone_watch(state, &error))
		if (!ebs_try_again(L, &error, &tried))
			return ebs_fail(L, &error);
	ebs_loop_watch_reader(state->loop, STDOUT_FILENO);
	ebs_compile_reap();
	ebs_drop_for_loop(L);
	ebs_interrupt_again();
	state->running = L;
	lua_State *thread = ebs_interrupt_switch(state, L);
	int result = state->interrupted ? 0 : ebs_loop_run(state->loop);
	if (!result)
		result = drain(state);
	if (result && ebs_interrupt_came())
		ebs_handlers_tell_left(state);
	state->running = NULL;
	ebs_interrupt_switch(state, thread);
	if (state->output_failed)
		return ebs_interrupt_raise(L);
	bool cut = ebs_interrupt_end(state, grace);
	for (struct script_object *object = state->objects; object; object = object->next)
		ebs_tell_total_losses(object);
	if (state->failed) {
		state->failed = false;
		if (!cut)
			return lua_error(L); // the handler's error, which is on the top
	}
	lua_pushboolean(L, true);
	return 1;
}

static int bpf_stop(lua_State *L)
{
	struct ebs_state *state = ebs_state(L);

	if (state->running)
		ebs_loop_stop(state->loop);
	return 0;
}

static int bpf_stopping(lua_State *L)
{
	lua_pushboolean(L, ebs_interrupt_is_pending());
	return 1;
}

static const luaL_Reg functions[] = {
	{ "cgroup_path", ebs_bpf_cgroup_path },
	{ "columns", ebs_bpf_columns },
	{ "drop_privileges", ebs_bpf_drop_privileges },
	{ "every", ebs_bpf_every },
	{ "has", ebs_bpf_has },
	{ "if_index", ebs_bpf_if_index },
	{ "if_name", ebs_bpf_if_name },
	{ "inet_ntop", ebs_bpf_inet_ntop },
	{ "inet_pton", ebs_bpf_inet_pton },
	{ "ktime_get_ns", ebs_bpf_ktime_get_ns },
	{ "load", ebs_bpf_load },
	{ "load_all", ebs_bpf_load_all },
	{ "on_gone", ebs_bpf_on_gone },
	{ "on_line", ebs_bpf_on_line },
	{ "on_readable", ebs_bpf_on_readable },
	{ "on_signal", ebs_bpf_on_signal },
	{ "network", ebs_bpf_network },
	{ "pinned", ebs_bpf_pinned },
	{ "realtime_ns", ebs_bpf_realtime_ns },
	{ "run", ebs_bpf_run },
	{ "stop", bpf_stop },
	{ "stopping", bpf_stopping },
	{ NULL, NULL },
};

// The half that is written in Lua is loaded when something is asked for that the module hasn't got,
// by a metatable that goes with it.
static void load_prelude(lua_State *L, int module)
{
	lua_pushnil(L);
	lua_setmetatable(L, module);
	if (luaL_loadbufferx(L, ebs_prelude, ebs_prelude_size, "prelude.lua", "b"))
		lua_error(L);
	lua_pushvalue(L, module);
	lua_call(L, 1, 0);
}

static int prelude_index(lua_State *L)
{
	load_prelude(L, 1);
	lua_rawget(L, 1);
	return 1;
}

static int prelude_pairs(lua_State *L)
{
	load_prelude(L, 1);
	lua_getglobal(L, "next");
	lua_pushvalue(L, 1);
	return 2;
}

static const luaL_Reg prelude_metamethods[] = {
	{ "__index", prelude_index },
	{ "__pairs", prelude_pairs },
	{ NULL, NULL },
};

// What require("argparse") calls; the prelude puts its own loader there. Upvalue 1 is the module.
static int preload_argparse(lua_State *L)
{
	lua_settop(L, 0);
	lua_pushvalue(L, lua_upvalueindex(1)); // bpf
	load_prelude(L, 1);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE); // bpf preload
	lua_getfield(L, -1, "argparse");                           // bpf preload loader
	lua_call(L, 0, 1);                                         // bpf preload argparse
	return 1;
}

int ebs_open_bpf(lua_State *L)
{
	ebs_register_object(L);
	ebs_register_program(L);
	ebs_register_map(L);
	ebs_register_link(L);
	ebs_register_pinned_link(L);
	ebs_register_handler(L);
	ebs_register_timer(L);
	ebs_register_watch(L);
	ebs_register_columns(L);
	ebs_register_view(L);
	ebs_register_load(L);
	luaL_newlib(L, functions);                                 // bpf
	lua_pushnil(L);                                            // bpf nil
	lua_pushcclosure(L, ebs_bpf_histogram, 1);                 // bpf histogram
	lua_setfield(L, -2, "histogram");                          // bpf
	ebs_push_formats(L);                                       // bpf formats
	lua_setfield(L, -2, "format");                             // bpf
	luaL_newlib(L, prelude_metamethods);                       // bpf metatable
	lua_setmetatable(L, -2);                                   // bpf
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE); // bpf preload
	lua_pushvalue(L, -2);                                      // bpf preload bpf
	lua_pushcclosure(L, preload_argparse, 1);                  // bpf preload loader
	lua_setfield(L, -2, "argparse");                           // bpf preload
	lua_pop(L, 1);                                             // bpf
	return 1;
}
