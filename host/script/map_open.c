// SPDX-License-Identifier: GPL-2.0-only
// Maps that the script opens itself: bpf.pinned(), inner maps; pinning and freezing.
#include "kernel/map_open.h"
#include "kernel/pin.h"
#include "script/bpf.h"
#include "script/map.h"
#include "script/pinned_link.h"

int ebs_bpf_pinned(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	struct ebs_error error = { 0 };
	bool tried = false;

	ebs_refuse_at_end(L);
	if (ebs_pin_kind(path) == EBS_PIN_LINK)
		return ebs_push_pinned_link(L, path);
	struct script_map *self = ebs_push_own_map(L, 0); // map

	do
		self->map = ebs_map_open_pinned(path, &error);
	while (!self->map && ebs_try_again(L, &error, &tried));
	if (!self->map)
		return ebs_fail(L, &error);
	ebs_finish_own_map(L, self, false);
	return 1;
}

int ebs_map_create_inner_method(lua_State *L)
{
	struct script_map *outer = ebs_check_map(L, 1);
	struct ebs_error error = { 0 };
	bool tried = false;

	if (outer->map->kind->value != EBS_VALUE_MAP)
		luaL_argerror(L, 1,
			      lua_pushfstring(L, "map '%s' (%s) holds no maps", outer->map->name,
					      ebs_map_type_name(outer->map)));
	struct script_map *inner = ebs_push_own_map(L, 1); // inner
	do
		inner->map = ebs_map_create_inner(outer->map, &error);
	while (!inner->map && ebs_try_again(L, &error, &tried));
	if (!inner->map)
		return ebs_fail(L, &error);
	ebs_finish_own_map(L, inner, true);
	return 1;
}

// true, or the failure.
static int finish(lua_State *L, int result, struct ebs_error *error)
{
	if (result)
		return ebs_fail(L, error);
	lua_pushboolean(L, true);
	return 1;
}

int ebs_map_pin_method(lua_State *L)
{
	struct script_map *self = ebs_check_map(L, 1);
	struct ebs_error error = { 0 };

	return finish(L, ebs_map_pin(self->map, luaL_checkstring(L, 2), &error), &error);
}

int ebs_map_unpin_method(lua_State *L)
{
	struct script_map *self = ebs_check_map(L, 1);
	struct ebs_error error = { 0 };

	return finish(L, ebs_map_unpin(self->map, &error), &error);
}

int ebs_map_freeze_method(lua_State *L)
{
	struct script_map *self = ebs_check_map(L, 1);
	struct ebs_error error = { 0 };

	return finish(L, ebs_map_freeze(self->map, &error), &error);
}
