// SPDX-License-Identifier: GPL-2.0-only
// bpf.drop_privileges(), and --drop-caps.
#include "script/privileges.h"

#include <stdio.h>

#include "base/capabilities.h"
#include "kernel/privileges.h"
#include "script/script.h"

static int drop(struct ebs_state *state, uint64_t kept, struct ebs_error *error)
{
	const char *kept_for_maps;
	int result = ebs_privileges_drop(kept, &kept_for_maps);

	if (result)
		return ebs_error_errno(error, result, "can't give up privileges");
	if (kept_for_maps && state->options->verbose)
		fprintf(stderr, "ebscript: %s: %s is kept: this kernel wants it for reading maps\n",
			state->name, kept_for_maps);
	return 0;
}

static uint64_t check_names(lua_State *L, int index)
{
	uint64_t kept = 0;
	lua_Integer count;

	if (lua_isnoneornil(L, index))
		return 0;
	luaL_checktype(L, index, LUA_TTABLE);
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

	if (drop(ebs_state(L), check_names(L, 1), &error))
		return ebs_fail(L, &error);
	lua_pushboolean(L, true);
	return 1;
}

void ebs_drop_for_loop(lua_State *L)
{
	struct ebs_state *state = ebs_state(L);
	struct ebs_error error = { 0 };

	if (state->options->drop_capabilities && drop(state, 0, &error))
		ebs_raise(L, &error);
}
