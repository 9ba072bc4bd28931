// SPDX-License-Identifier: GPL-2.0-only
// Keys of maps: plain ones, prefixes of addresses, and what an entry belongs to.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/map.h"
#include "script/value.h"

void ebs_read_map_part(lua_State *L, int argument, int index, const struct script_map *self,
		       const struct ebs_layout *layout, uint32_t size, uint8_t *out,
		       const char *what)
{
	struct ebs_error error = { 0 };
	size_t length = 0;

	if (layout) {
		if (ebs_read_value(L, index, self->map->types, layout, out, what, &error))
			ebs_raise_argument(L, argument, &error);
		return;
	}
	bool is_string = lua_type(L, index) == LUA_TSTRING;
	const char *bytes = is_string ? lua_tolstring(L, index, &length) : NULL;
	if (!is_string)
		luaL_argerror(L, argument,
			      lua_pushfstring(L, "%s: a string of %d bytes expected, got %s", what,
					      (int)size, luaL_typename(L, index)));
	if (length != size)
		luaL_argerror(L, argument,
			      lua_pushfstring(L, "%s: a string of %d bytes expected, got %d", what,
					      (int)size, (int)length));
	memcpy(out, bytes, size);
}

// "10.0.0.0/8" as the key of a trie; without a number of bits all of them. False when the string is
// no text: bytes of a key have zeros, in the number of bits.
static bool read_prefix(lua_State *L, int index, const struct ebs_map *map, uint8_t *out)
{
	char address[64] = "";
	size_t length = 0;
	bool is_string = lua_type(L, index) == LUA_TSTRING;
	const char *text = is_string ? lua_tolstring(L, index, &length) : NULL;
	uint32_t bytes = map->key_size - sizeof(uint32_t);

	if (!is_string || strlen(text) != length || (bytes != 4 && bytes != 16))
		return false;
	const char *slash = strchr(text, '/');
	size_t address_length = slash ? (size_t)(slash - text) : length;
	unsigned long bits = bytes * 8;
	char *end = NULL;
	bool fits = address_length < sizeof(address);

	if (fits)
		memcpy(address, text, address_length);
	if (slash)
		bits = strtoul(slash + 1, &end, 10);
	fits = fits && bits <= bytes * 8 &&
	       (!slash || (slash[1] >= '0' && slash[1] <= '9' && !*end)) &&
	       inet_pton(bytes == 4 ? AF_INET : AF_INET6, address, out + sizeof(uint32_t)) == 1;
	if (!fits)
		luaL_argerror(L, index,
			      lua_pushfstring(L, "key: '%s' is no prefix of %s: ADDRESS/BITS", text,
					      bytes == 4 ? "IPv4 addresses" : "IPv6 addresses"));
	memcpy(out, &(uint32_t){ (uint32_t)bits }, sizeof(uint32_t));
	return true;
}

struct owner_form {
	const char *field; // of the table
	int kind;
	const char *wanted;
};

static const struct owner_form *owner_form(enum ebs_key_form form)
{
	static const struct owner_form task = { "pid", EBS_OWNER_PID, "{ pid = number }" };
	static const struct owner_form cgroup = { "cgroup", EBS_OWNER_CGROUP, "{ cgroup = path }" };
	static const struct owner_form file = { "path", EBS_OWNER_PATH, "{ path = path }" };

	switch (form) {
	case EBS_KEY_TASK:
		return &task;
	case EBS_KEY_CGROUP:
		return &cgroup;
	case EBS_KEY_FILE:
		return &file;
	default:
		return NULL;
	}
}

static void refuse_owner(lua_State *L, int index, const struct owner_form *form, const char *what)
{
	luaL_argerror(L, index,
		      lua_pushfstring(L,
				      "%s: %s%sa descriptor, as an integer or { fd = number }, "
				      "expected",
				      what, form ? form->wanted : "", form ? " or " : ""));
}

// What the value on the top names; the table keeps it. False when it names nothing.
static bool take_named(lua_State *L, const struct owner_form *form, struct ebs_map_owner *owner)
{
	lua_Integer number = lua_tointeger(L, -1);

	owner->kind = form->kind;
	owner->number = (int)number;
	if (form->kind == EBS_OWNER_PID)
		return lua_isinteger(L, -1) && number > 0 && number <= INT32_MAX;
	owner->path = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
	return owner->path;
}

static bool take_descriptor(lua_State *L, struct ebs_map_owner *owner)
{
	lua_Integer fd = lua_tointeger(L, -1);

	owner->kind = EBS_OWNER_FD;
	owner->fd = (int)fd;
	return lua_isinteger(L, -1) && fd >= 0 && fd <= INT32_MAX;
}

void ebs_read_map_owner(lua_State *L, int index, enum ebs_key_form key, const char *what,
			uint8_t *out, struct ebs_map_owner *owner)
{
	const struct owner_form *form = owner_form(key);
	const char *names[] = { "fd", form ? form->field : NULL, NULL };
	bool named = false;
	int top = lua_gettop(L);

	*owner = (struct ebs_map_owner){ .fd = -1 };
	memset(out, 0, sizeof(int));
	if (lua_istable(L, index)) {
		ebs_check_option_names(L, index, names);
		named = form && lua_getfield(L, index, form->field) != LUA_TNIL; // value
		if (!named)
			lua_getfield(L, index, "fd"); // fd
	} else {
		lua_pushvalue(L, index); // fd
	}
	if (!(named ? take_named(L, form, owner) : take_descriptor(L, owner)))
		refuse_owner(L, index, form, what);
	lua_settop(L, top);
}

int ebs_open_owner(lua_State *L, struct ebs_map_owner *owner, uint8_t *out, struct ebs_error *error)
{
	bool tried = false;
	int result;

	do
		result = ebs_map_owner_open(owner, out, error);
	while (result && ebs_try_again(L, error, &tried));
	return result;
}

void ebs_read_map_key(lua_State *L, const struct script_map *self, int index, uint8_t *out,
		      struct ebs_map_owner *owner)
{
	const struct ebs_map *map = self->map;

	*owner = (struct ebs_map_owner){ .kind = EBS_OWNER_NONE, .fd = -1 };
	if (map->kind->key >= EBS_KEY_TASK)
		ebs_read_map_owner(L, index, map->kind->key, "key", out, owner);
	else if (map->kind->key != EBS_KEY_PREFIX || !read_prefix(L, index, map, out))
		ebs_read_map_part(L, index, index, self, map->key, map->key_size, out, "key");
}
