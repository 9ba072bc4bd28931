// SPDX-License-Identifier: GPL-2.0-only
// Methods of maps without keys: queues, stacks, bloom filters.
#include <linux/bpf.h>

#include "script/map.h"

int ebs_map_push_method(lua_State *L)
{
	static const char *const names[] = { "any", "exist", NULL };
	static const uint64_t flags[] = { BPF_ANY, BPF_EXIST };
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_PUSH);
	struct ebs_map_owner owner;
	struct ebs_error error = { 0 };

	ebs_read_map_value(L, self, 2, ebs_value_bytes(self), &owner);
	int flag = luaL_checkoption(L, 3, "any", names);
	if (ebs_set_entry(L, self, NULL, ebs_value_bytes(self), flags[flag], &error))
		return ebs_fail(L, &error);
	lua_pushboolean(L, true);
	return 1;
}

int ebs_map_pop_method(lua_State *L)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_POP);
	struct ebs_error error = { 0 };
	int found = ebs_map_pop(self->map, ebs_value_bytes(self), &error);

	return ebs_push_found(L, self, found, &error);
}

int ebs_map_peek_method(lua_State *L)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_PEEK);
	struct ebs_error error = { 0 };
	int found = ebs_map_get(self->map, NULL, ebs_value_bytes(self), &error);

	return ebs_push_found(L, self, found, &error);
}

int ebs_map_contains_method(lua_State *L)
{
	struct script_map *self = ebs_check_map_can(L, 1, EBS_MAP_CONTAINS);
	struct ebs_map_owner owner;
	struct ebs_error error = { 0 };

	ebs_read_map_value(L, self, 2, ebs_value_bytes(self), &owner);
	int found = ebs_map_get(self->map, NULL, ebs_value_bytes(self), &error);
	if (found < 0)
		return ebs_fail(L, &error);
	lua_pushboolean(L, found);
	return 1;
}
