// SPDX-License-Identifier: GPL-2.0-only
// What all files of script/ share: the one state, failures, and the classes of userdata.
#ifndef EBS_SCRIPT_STATE_H
#define EBS_SCRIPT_STATE_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "loop/loop.h"
#include "script/interrupt.h"
#include "script/lifetime.h"
#include "script/stats.h"
#include "script/weight.h"

struct ebs_cache;
struct ebs_script_options;
struct script_object;

struct ebs_state {
	lua_State *L;
	struct ebs_loop *loop;
	const char *name;      // of the script, as messages show it
	const char *path;      // where it was read from; NULL for standard input and -e
	const char *directory; // the folder that the file itself is in, links followed, or NULL
	const char *text;      // the script's own text, `text_size` bytes
	size_t text_size;
	const struct ebs_script_options *options;
	struct ebs_cache *cache;        // opened by the first load; NULL while there is none
	struct ebs_error cache_refusal; // why it can't be used
	bool cache_refusal_told;
	struct ebs_error unattached; // the last failure to attach, while nothing was attached
	bool attached;               // something was
	struct ebs_stats stats;
	bool colour;                // standard error is a terminal
	lua_State *running;         // the thread that called bpf.run(), while it runs
	lua_State *volatile thread; // the one that runs Lua code, for the signal handler
	bool failed; // a handler raised: its error is on the top of that thread's stack
	volatile sig_atomic_t interrupted; // a signal came
	bool closing;                      // finalizers run: nothing is made any more
	bool finished;                     // --check or --emit have what they want
	bool cut;                          // Lua code is being ended by force because of it
	bool output_failed;                // standard output can't be written
	struct ebs_printk *printk;         // --printk; else NULL
	struct ebs_watch *printk_watch;    // of it, once the loop has run
	struct ebs_timer *losses_due; // until a notice of losses may follow the one before, or NULL
	struct ebs_timer *gone_look;  // looks whether attachments have gone blind, or NULL
	unsigned watches;             // open ones of descriptors, by scripts
	struct ebs_views views;
	struct ebs_buffer view_copy; // of ebs_view_bytes()
	struct ebs_weights weights;
	bool json;                 // rows are JSON: asked for by --json, or by the script
	const void *columns_class; // the metatables of bpf.Columns, of text and of JSON
	const void *json_columns_class;
	unsigned turn;                 // of the loop
	unsigned handlers;             // of all objects
	struct script_object *objects; // those that have handlers or counters to look after
};

// The host's state that belongs to L.
static inline struct ebs_state *ebs_state(lua_State *L)
{
	return *(struct ebs_state **)lua_getextraspace(L);
}

// The script's text, loaded and called with its arguments; takes the options as light userdata.
int ebs_run_text(lua_State *L);

// failure.c

// Returns nil, message, code to the script, and clears the error: `return ebs_fail(L, &error);`.
int ebs_fail(lua_State *L, struct ebs_error *error);
// Raises the error's text with the position of the caller, and clears it.
int ebs_raise(lua_State *L, struct ebs_error *error);
// As an argument's fault: `bad argument #1 to 'set' (...)`.
int ebs_raise_argument(lua_State *L, int argument, struct ebs_error *error);
// Pushes the bytes as a string and frees them, also where memory is too short: then that is raised.
void ebs_push_buffer(lua_State *L, struct ebs_buffer *buffer);
// The message handler of every protected call: adds a traceback, unless the script raised a
// sentence of its own by assert() or error(..., 0).
int ebs_message_handler(lua_State *L);

// Calls `function` with `argument` as light userdata, from a callback of the loop, which must not
// raise. Returns 0, or -ECANCELED with state->failed set.
int ebs_call_protected(struct ebs_state *state, lua_CFunction function, void *argument);

// Raises in finalizers that run as the state closes: what they made would outlive it.
void ebs_refuse_at_end(lua_State *L);

// Ends the script, which has done what --check or --emit asked for: exit status 0. Doesn't return.
int ebs_finish(lua_State *L);

// option.c

// Raises unless the value at `index` is a table whose keys are all among `names` (up to a NULL).
void ebs_check_option_names(lua_State *L, int index, const char *const *names);

// The text of an option of the table at `index`, which keeps it; NULL when it isn't given. `size`
// may be NULL. Raises, as misuse of argument `argument`, for other values.
const char *ebs_text_option(lua_State *L, int argument, int index, const char *name, size_t *size);

// interruptible.c: puts functions in place of Lua's own that a signal gets through.
void ebs_open_interruptible(lua_State *L);

// The modules' openers, each leaves what it makes on the stack or registers metatables only.
int ebs_open_bpf(lua_State *L);
void ebs_register_object(lua_State *L);
void ebs_register_globals(lua_State *L);
void ebs_register_program(lua_State *L);
void ebs_register_map(lua_State *L);
void ebs_register_link(lua_State *L);
void ebs_register_timer(lua_State *L);
void ebs_register_watch(lua_State *L);
void ebs_register_columns(lua_State *L);
void ebs_register_view(lua_State *L);

// Makes a class: a metatable with its methods, and `properties` looked up by `index` when it isn't
// NULL.
void ebs_new_class(lua_State *L, const char *class_name, const luaL_Reg *methods,
		   const luaL_Reg *metamethods);

#endif
