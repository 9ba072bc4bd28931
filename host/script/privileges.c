// SPDX-License-Identifier: GPL-2.0-only
// bpf.drop_privileges(), and --drop-caps.
#include "script/privileges.h"

#include <stdio.h>
#include <string.h>

#include "base/capabilities.h"
#include "kernel/privileges.h"
#include "script/script.h"

static int drop(struct ebs_state *state, uint64_t kept, bool keep_uid, struct ebs_error *error)
{
	const char *kept_for_maps;
	struct ebs_error why = { 0 };
	int result = ebs_privileges_drop(kept, keep_uid, &kept_for_maps, &why);

	if (result) {
		ebs_error_explain(error, result,
				  "can't give up privileges: %s; bpf.drop_privileges({ keep_uid = "
				  "true }) gives up the capabilities alone",
				  ebs_error_text(&why));
		ebs_error_clear(&why);
		return result;
	}
	if (kept_for_maps && state->options->verbose)
		fprintf(stderr, "ebscript: %s: %s is kept: this kernel wants it for reading maps\n",
			state->name, kept_for_maps);
	return 0;
}

// { "CAP_NET_ADMIN", ..., keep_uid = true }
static uint64_t read_options(lua_State *L, int index, bool *keep_uid)
{
	uint64_t kept = 0;
	lua_Integer count;

	*keep_uid = false;
	if (lua_isnoneornil(L, index))
		return 0;
	luaL_checktype(L, index, LUA_TTABLE);
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
		if (!lua_isinteger(L, -2) &&
		    (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), "keep_uid")))
			luaL_argerror(L, index,
				      lua_pushfstring(
					      L,
					      "there is no option '%s': the one option is keep_uid",
					      luaL_tolstring(L, -2, NULL)));
	if (lua_getfield(L, index, "keep_uid") > LUA_TNIL && !lua_isboolean(L, -1)) // option
		luaL_argerror(L, index, "option 'keep_uid' must be true or false");
	*keep_uid = lua_toboolean(L, -1);
	lua_pop(L, 1); // -
	count = luaL_len(L, index);
	for (lua_Integer i = 1; i <= count; i++) {
		lua_geti(L, index, i); // name
		const char *name = lua_tostring(L, -1);
		int number = name ? ebs_capability_find(name) : -1;
		if (number < 0)
			luaL_argerror(L, index,
				      lua_pushfstring(L, "there is no capability '%s'",
						      name ? name : luaL_typename(L, -1)));
		kept |= EBS_CAPABILITY(number);
		lua_pop(L, 1); // -
	}
	return kept;
}

int ebs_bpf_drop_privileges(lua_State *L)
{
	struct ebs_error error = { 0 };
	bool keep_uid;
	uint64_t kept = read_options(L, 1, &keep_uid);

	if (drop(ebs_state(L), kept, keep_uid, &error))
		return ebs_fail(L, &error);
	lua_pushboolean(L, true);
	return 1;
}

void ebs_drop_for_loop(lua_State *L)
{
	struct ebs_state *state = ebs_state(L);
	struct ebs_error error = { 0 };

	if (state->options->drop_capabilities && drop(state, 0, false, &error))
		ebs_raise(L, &error);
}
