// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.PinnedLink: links that an earlier script has pinned.
#include <string.h>

#include "kernel/pin.h"
#include "script/map.h"
#include "script/pinned_link.h"

#define CLASS "bpf.PinnedLink"

int ebs_push_pinned_link(lua_State *L, const char *path)
{
	struct ebs_pinned_link *self = lua_newuserdatauv(L, sizeof(*self), 0); // link
	struct ebs_error error = { 0 };

	*self = (struct ebs_pinned_link){ .fd = -1 };
	luaL_setmetatable(L, CLASS);
	if (ebs_pinned_link_open(self, path, &error))
		return ebs_fail(L, &error);
	return 1;
}

static struct ebs_pinned_link *check_open(lua_State *L)
{
	struct ebs_pinned_link *self = luaL_checkudata(L, 1, CLASS);

	luaL_argcheck(L, self->fd >= 0, 1, "the link is closed");
	return self;
}

static int link_close(lua_State *L)
{
	ebs_pinned_link_close(luaL_checkudata(L, 1, CLASS));
	return 0;
}

static int link_unpin(lua_State *L)
{
	struct ebs_error error = { 0 };

	if (ebs_pinned_link_unpin(check_open(L), &error))
		return ebs_fail(L, &error);
	lua_pushboolean(L, true);
	return 1;
}

static int push_info(lua_State *L, const struct ebs_pinned_link *self)
{
	struct ebs_pinned_link_info info;
	struct ebs_error error = { 0 };

	if (ebs_pinned_link_ask(self, &info, &error))
		return ebs_raise(L, &error);
	lua_createtable(L, 0, 6); // info
	lua_pushstring(L, info.kind);
	lua_setfield(L, -2, "kind");
	lua_pushstring(L, info.program);
	lua_setfield(L, -2, "program");
	lua_pushstring(L, self->path);
	lua_setfield(L, -2, "pinned");
	lua_pushinteger(L, info.id);
	lua_setfield(L, -2, "id");
	lua_pushboolean(L, info.alive);
	lua_setfield(L, -2, "alive");
	if (info.ifindex) {
		lua_pushinteger(L, info.ifindex);
		lua_setfield(L, -2, "ifindex");
	}
	return 1;
}

static int link_index(lua_State *L)
{
	const char *key = luaL_checkstring(L, 2);

	if (strcmp(key, "info") == 0)
		return push_info(L, check_open(L));
	lua_getfield(L, lua_upvalueindex(1), key);
	return 1;
}

static int link_tostring(lua_State *L)
{
	const struct ebs_pinned_link *self = luaL_checkudata(L, 1, CLASS);

	lua_pushfstring(L, CLASS ": %s", self->fd >= 0 ? self->path : "(closed)");
	return 1;
}

static const luaL_Reg methods[] = {
	{ "close", link_close },
	{ "unpin", link_unpin },
	{ NULL, NULL },
};

static const luaL_Reg metamethods[] = {
	{ "__close", link_close },       { "__gc", link_close }, { "__index", link_index },
	{ "__tostring", link_tostring }, { NULL, NULL },
};

void ebs_register_pinned_link(lua_State *L)
{
	ebs_new_class(L, CLASS, methods, metamethods);
}
