// SPDX-License-Identifier: GPL-2.0-only
// What a simple binding does with the events of `bench events`: it calls a Lua function with a new
// table for each. events_tables PLAIN (id of the ring buffer), then any command on standard input.
#include <bpf/libbpf.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "events.h"

static const char handler[] = "local sum, ended = 0, false\n"
			      "return function(event)\n"
			      "    sum = sum + event.pid + event.latency\n"
			      "    if event.ret ~= 0 then\n"
			      "        ended = true\n"
			      "    end\n"
			      "end, function()\n"
			      "    local result = ended and sum\n"
			      "    sum, ended = 0, false\n"
			      "    return result\n"
			      "end\n";

static void set_integer(lua_State *L, const char *name, lua_Integer value)
{
	lua_pushinteger(L, value);
	lua_setfield(L, -2, name);
}

static int on_event(void *context, void *data, size_t size)
{
	const struct event *event = data;
	lua_State *L = context;

	lua_pushvalue(L, 1); // handler
	lua_createtable(L, 0, 5);
	set_integer(L, "ktime", (lua_Integer)event->ktime);
	set_integer(L, "latency", (lua_Integer)event->latency);
	set_integer(L, "pid", event->pid);
	set_integer(L, "ret", event->ret);
	lua_pushlstring(L, event->comm, strnlen(event->comm, sizeof(event->comm)));
	lua_setfield(L, -2, "comm");
	// Through libbpf no error may be raised.
	return lua_pcall(L, 1, 0, 0) ? -1 : 0;
}

int main(int argc, char **argv)
{
	char line[64];
	lua_State *L = luaL_newstate();

	if (argc != 2 || !L)
		errx(2, "usage: events_tables PLAIN");
	luaL_openlibs(L);
	if (luaL_loadstring(L, handler) || lua_pcall(L, 0, 2, 0))
		errx(1, "%s", lua_tostring(L, -1));
	struct ring_buffer *ring = ring_buffer__new(open_map(argv[1]), on_event, L, NULL);
	if (!ring)
		err(1, "ring buffer");
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t start = cpu_time();
		int events = ring_buffer__consume(ring);
		uint64_t end = cpu_time();

		lua_pushvalue(L, 2);
		if (events < 0 || lua_pcall(L, 0, 1, 0) || !lua_isinteger(L, -1))
			errx(1, "the last event is missing");
		answer(events, end - start, lua_tointeger(L, -1));
		lua_settop(L, 2);
	}
	ring_buffer__free(ring);
	lua_close(L);
	return 0;
}
