// SPDX-License-Identifier: GPL-2.0-only
// The size of buffers, as the script and the command line want it.
#include "script/buffer_size.h"

#include <stdio.h>

#include "script/script.h"

void ebs_check_buffer_size(lua_State *L, int options)
{
	int type = lua_getfield(L, options, "buffer_size"); // size
	bool valid = type == LUA_TNIL || type == LUA_TTABLE || lua_isinteger(L, -1);

	if (!valid)
		luaL_argerror(L, 1, "option 'buffer_size' must be an integer or a table");
	if (type == LUA_TTABLE)
		for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
			if (lua_type(L, -2) != LUA_TSTRING || !lua_isinteger(L, -1))
				luaL_argerror(L, 1,
					      "option 'buffer_size' is { map = bytes }, integers");
	lua_pop(L, 1); // -
}

// The size at the top of the stack; `map` NULL: of all buffers.
static int set_size(lua_State *L, struct ebs_object *handle, const char *map,
		    struct ebs_error *error)
{
	lua_Integer bytes = lua_tointeger(L, -1);

	if (bytes < 1 || (uint64_t)bytes > EBS_MAX_BUFFER_SIZE)
		return ebs_error_set(error, "EINVAL",
				     "buffer_size: a buffer has from 1 to %llu bytes",
				     (unsigned long long)EBS_MAX_BUFFER_SIZE);
	return ebs_object_set_buffer_size(handle, map, (uint32_t)bytes, error);
}

static int set_script_size(lua_State *L, int options, struct ebs_object *handle,
			   struct ebs_error *error)
{
	int type = lua_getfield(L, options, "buffer_size"); // sizes
	int result = 0;

	if (type == LUA_TTABLE) {
		lua_pushnil(L);                      // sizes map
		while (!result && lua_next(L, -2)) { // sizes map bytes
			result = set_size(L, handle, lua_tostring(L, -2), error);
			lua_pop(L, result ? 2 : 1); // sizes map
		}
	} else if (type != LUA_TNIL) {
		result = set_size(L, handle, NULL, error);
	}
	lua_pop(L, 1); // -
	return result;
}

int ebs_set_buffer_size(lua_State *L, int options, const struct ebs_state *state,
			struct ebs_object *handle, struct ebs_error *error)
{
	uint64_t wanted = state->options->buffer_size;
	const struct ebs_map *map;
	int result = set_script_size(L, options, handle, error);

	if (!result && wanted)
		result = ebs_object_set_buffer_size(handle, NULL, (uint32_t)wanted, error);
	for (size_t i = 0; state->options->verbose && (map = ebs_object_map_at(handle, i)); i++)
		if (map->buffer_size)
			fprintf(stderr, "ebscript: %s: the buffer %s is made %u bytes large\n",
				state->name, map->name, map->buffer_size);
	return result;
}
