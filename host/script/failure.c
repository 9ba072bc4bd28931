// SPDX-License-Identifier: GPL-2.0-only
// The host's errors as Lua sees them.
#include "script/bpf.h"

#include <errno.h>
#include <string.h>

static int copy_bytes(lua_State *L)
{
	const struct ebs_buffer *buffer = lua_touserdata(L, 1);

	if (buffer->failed)
		return luaL_error(L, "not enough memory");
	lua_pushlstring(L, buffer->size ? buffer->data : "", buffer->size);
	return 1;
}

void ebs_push_buffer(lua_State *L, struct ebs_buffer *buffer)
{
	lua_pushcfunction(L, copy_bytes);
	lua_pushlightuserdata(L, buffer);
	int status = lua_pcall(L, 1, 1, 0); // bytes

	ebs_buffer_free(buffer);
	if (status)
		lua_error(L);
}

// Pushes the error's text and clears the error.
static void move_text(lua_State *L, struct ebs_error *error)
{
	struct ebs_buffer text = { .data = error->text,
				   .size = error->text ? strlen(error->text) : 0 };

	*error = (struct ebs_error){ 0 };
	ebs_push_buffer(L, &text);
}

int ebs_fail(lua_State *L, struct ebs_error *error)
{
	char code[sizeof(error->code)];

	memcpy(code, error->code, sizeof(code));
	lua_pushnil(L);          // nil
	move_text(L, error);     // nil message
	lua_pushstring(L, code); // nil message code
	return 3;
}

int ebs_raise(lua_State *L, struct ebs_error *error)
{
	move_text(L, error); // text
	luaL_where(L, 1);    // text position
	lua_insert(L, -2);   // position text
	lua_concat(L, 2);    // message
	return lua_error(L);
}

int ebs_raise_argument(lua_State *L, int argument, struct ebs_error *error)
{
	move_text(L, error); // text
	return luaL_argerror(L, argument, lua_tostring(L, -1));
}

// The length of "FILE:LINE: " at the message's start where it stands for the function at `level`,
// else 0.
static size_t position_length(lua_State *L, int level, const char *message)
{
	luaL_where(L, level); // position
	size_t length = lua_rawlen(L, -1);
	bool starts = strncmp(message, lua_tostring(L, -1), length) == 0;

	lua_pop(L, 1); // -
	return starts ? length : 0;
}

// The C function that raised: it is what the message handler was called on top of.
static lua_CFunction raising_function(lua_State *L)
{
	lua_Debug raiser;

	if (!lua_getstack(L, 1, &raiser))
		return NULL;
	lua_getinfo(L, "f", &raiser); // function
	lua_CFunction function = lua_tocfunction(L, -1);
	lua_pop(L, 1); // -
	return function;
}

static bool is_global(lua_State *L, const char *name, lua_CFunction function)
{
	lua_getglobal(L, name); // function
	bool same = function && lua_tocfunction(L, -1) == function;

	lua_pop(L, 1); // -
	return same;
}

// A failure that assert() passes on, and error(..., 0), are sentences for the user: they get no
// position and no traceback. What bpf.run() raises again has its traceback already, and what Lua
// says of a script that it can't read has its position. All else is the script's mistake.
int ebs_message_handler(lua_State *L)
{
	lua_CFunction raiser = raising_function(L);

	if (lua_type(L, 1) != LUA_TSTRING)
		return 1; // an error object of the script's own
	const char *message = lua_tostring(L, 1);
	size_t position = position_length(L, 2, message);
	if (raiser == ebs_bpf_run || raiser == ebs_run_text ||
	    (is_global(L, "error", raiser) && !position)) {
		lua_settop(L, 1);
	} else if (is_global(L, "assert", raiser) &&
		   strcmp(message + position, "assertion failed!")) {
		lua_pushstring(L, message + position); // text
	} else {
		luaL_traceback(L, L, message, 1); // traceback
	}
	return 1;
}

void ebs_refuse_at_end(lua_State *L)
{
	if (ebs_state(L)->closing)
		luaL_error(L, "the script has ended: its finalizers can make nothing new");
}

int ebs_finish(lua_State *L)
{
	ebs_state(L)->finished = true;
	lua_pushnil(L);
	return lua_error(L);
}

int ebs_call_protected(struct ebs_state *state, lua_CFunction function, void *argument)
{
	lua_State *L = state->running;

	if (state->failed || !lua_checkstack(L, LUA_MINSTACK))
		return -ECANCELED;
	lua_pushcfunction(L, ebs_message_handler); // handler
	lua_pushcfunction(L, function);            // handler function
	lua_pushlightuserdata(L, argument);        // handler function argument
	state->failed = lua_pcall(L, 1, 0, -3) != LUA_OK;
	if (!state->failed) {
		lua_pop(L, 1); // -
		return 0;
	}
	lua_remove(L, -2); // error
	return -ECANCELED;
}
