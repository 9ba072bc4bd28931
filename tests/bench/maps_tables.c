// SPDX-License-Identifier: GPL-2.0-only
// What a simple binding does with the maps of `bench maps`: it makes a table of every value, even
// if from batches. maps_tables HASH, then any command on standard input.
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>

#include "maps.h"

static const char loop[] = "local next_entry = ...\n"
			   "local sum, turns = 0, 0\n"
			   "for key, value in next_entry do\n"
			   "    sum = sum + value.count\n"
			   "    turns = turns + 1\n"
			   "end\n"
			   "return turns, sum\n";

static struct {
	int map;
	bool started;
	bool ended;
	uint64_t position;
	uint32_t count;
	uint32_t next;
	uint64_t keys[BATCH];
	struct value values[BATCH];
} walk;

static int next_entry(lua_State *L)
{
	while (walk.next == walk.count) {
		if (walk.ended)
			return 0;
		walk.next = 0;
		walk.count = BATCH;
		walk.ended = bpf_map_lookup_batch(walk.map, walk.started ? &walk.position : NULL,
						  &walk.position, walk.keys, walk.values,
						  &walk.count, NULL);
		if (walk.ended && errno != ENOENT)
			return luaL_error(L, "bpf_map_lookup_batch: %s", strerror(errno));
		walk.started = true;
	}
	lua_pushinteger(L, (lua_Integer)walk.keys[walk.next]);
	lua_createtable(L, 0, 2);
	lua_pushinteger(L, (lua_Integer)walk.values[walk.next].count);
	lua_setfield(L, -2, "count");
	lua_pushinteger(L, (lua_Integer)walk.values[walk.next].bytes);
	lua_setfield(L, -2, "bytes");
	walk.next++;
	return 2;
}

int main(int argc, char **argv)
{
	char line[64];
	lua_State *L = luaL_newstate();

	if (argc != 2 || !L)
		errx(2, "usage: maps_tables HASH");
	walk.map = open_map(argv[1]);
	luaL_openlibs(L);
	if (luaL_loadstring(L, loop))
		errx(1, "%s", lua_tostring(L, -1));
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t start = now();

		walk.started = walk.ended = false;
		walk.next = walk.count = 0;
		lua_pushvalue(L, 1);
		lua_pushcfunction(L, next_entry);
		if (lua_pcall(L, 1, 2, 0))
			errx(1, "%s", lua_tostring(L, -1));
		answer(lua_tointeger(L, -2), now() - start, lua_tointeger(L, -1));
		lua_settop(L, 1);
	}
	lua_close(L);
	return 0;
}
