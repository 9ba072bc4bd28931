// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.Link.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/pin.h"
#include "kernel/watched.h"
#include "script/gone.h"
#include "script/link_read.h"
#include "script/object.h"
#include "script/script.h"

struct script_link {
	struct ebs_link *link; // NULL once closed
	struct script_object *object;
	struct script_link *next; // in object->links
	bool has_handler;         // of bpf.on_gone(): user value 2
};

// Each line as a notice on standard error.
static void tell_lines(const struct ebs_state *state, const char *lines)
{
	for (const char *line = lines; line && *line; line += strcspn(line, "\n") + 1)
		fprintf(stderr, "ebscript: %s: %.*s\n", state->name, (int)strcspn(line, "\n"),
			line);
}

void ebs_tell_unattached(struct ebs_state *state)
{
	if (!state->attached && ebs_error_is_set(&state->unattached))
		fprintf(stderr, "ebscript: %s: nothing is attached: %s\n", state->name,
			ebs_error_text(&state->unattached));
	ebs_error_clear(&state->unattached);
}

int ebs_push_new_link(lua_State *L, int index, struct ebs_program *program,
		      const struct ebs_attach_options *options, struct ebs_error *error)
{
	index = lua_absindex(L, index);
	ebs_refuse_at_end(L);
	struct script_object *object = lua_touserdata(L, index);
	struct script_link *self = lua_newuserdatauv(L, sizeof(*self), 2); // link
	bool tried = false;

	*self = (struct script_link){ .object = object };
	luaL_setmetatable(L, EBS_LINK_CLASS);
	lua_pushvalue(L, index);           // link object
	lua_setiuservalue(L, -2, 1);       // link
	lua_pushvalue(L, -1);              // link link
	ebs_object_keep(L, index, object); // link
	if (object->state->options->check)
		ebs_finish(L);
	enum ebs_phase phase = ebs_stats_enter(&object->state->stats, EBS_PHASE_ATTACH);
	do
		self->link = ebs_program_attach(program, options, error);
	while (!self->link && ebs_try_again(L, error, &tried));
	ebs_stats_enter(&object->state->stats, phase);
	if (!self->link) {
		if (strcmp(error->code, "ESTALE") == 0 && object->state->cache)
			ebs_cache_remove(object->state->cache, object->key);
		ebs_error_clear(&object->state->unattached);
		ebs_error_set(&object->state->unattached, error->code, "%s", ebs_error_text(error));
		ebs_object_unkeep(L, index, self);
		lua_pop(L, 1); // -
		return -EINVAL;
	}
	object->state->attached = true;
	self->next = object->links;
	object->links = self;
	tell_lines(object->state, ebs_link_info(self->link).notices);
	ebs_loop_hold(object->state->loop);
	if (object->state->running) // else bpf.run() will
		ebs_gone_watch(object->state, NULL);
	return 0;
}

static void release(struct script_link *self)
{
	if (!self->link)
		return;
	ebs_link_free(self->link);
	self->link = NULL;
	ebs_loop_release(self->object->state->loop);
}

void ebs_links_close(struct script_object *object)
{
	for (struct script_link *link = object->links; link; link = link->next)
		release(link);
	object->links = NULL;
}

static int link_close(lua_State *L)
{
	struct script_link *self = luaL_checkudata(L, 1, EBS_LINK_CLASS);
	struct script_link **place = &self->object->links;

	if (!self->link)
		return 0;
	while (*place && *place != self)
		place = &(*place)->next;
	if (*place)
		*place = self->next;
	release(self);
	lua_getiuservalue(L, 1, 1);     // object
	ebs_object_unkeep(L, -1, self); // object
	return 0;
}

struct ebs_link *ebs_script_link(const struct script_link *link)
{
	return link->link;
}

struct script_link *ebs_link_after(const struct script_link *link)
{
	return link->next;
}

bool ebs_link_has_handler(const struct script_link *link)
{
	return link->has_handler;
}

// The object keeps its links by their addresses.
bool ebs_push_gone_handler(lua_State *L, struct script_link *link)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, link->object);               // object
	lua_getiuservalue(L, -1, 1);                                   // object kept
	bool is_kept = lua_rawgetp(L, -1, link) == LUA_TUSERDATA;      // object kept link
	bool has = is_kept && lua_getiuservalue(L, -1, 2) != LUA_TNIL; // object kept link handler
	if (!has)
		return false;
	lua_insert(L, -2); // object kept handler link
	return true;
}

void ebs_link_set_handler(lua_State *L)
{
	struct script_link *self = luaL_checkudata(L, 1, EBS_LINK_CLASS);

	luaL_argcheck(L, self->link, 1, "the link is closed");
	lua_settop(L, 2);
	self->has_handler = !lua_isnil(L, 2);
	lua_setiuservalue(L, 1, 2);
}

static void set_text(lua_State *L, const char *name, const char *text)
{
	if (!text)
		return;
	lua_pushstring(L, text);
	lua_setfield(L, -2, name);
}

// The functions by their attach cookies, or those of them that are left out.
static void set_symbols(lua_State *L, const char *name, const struct ebs_link_info *info,
			bool left_out)
{
	lua_Integer count = 0;

	lua_createtable(L, left_out ? 0 : (int)info->symbol_count, 0); // info list
	for (uint32_t i = 0; i < info->symbol_count; i++) {
		if (left_out && !info->left_out[i])
			continue;
		lua_pushstring(L, info->symbols[i]); // info list symbol
		lua_rawseti(L, -2, ++count);         // info list
	}
	if (count)
		lua_setfield(L, -2, name); // info
	else
		lua_pop(L, 1); // info
}

static void push_info(lua_State *L, struct ebs_link *link)
{
	ebs_link_look(link);
	struct ebs_link_info info = ebs_link_info(link);

	lua_newtable(L); // info
	set_text(L, "kind", info.kind);
	set_text(L, "interface", info.interface);
	set_text(L, "mode", info.mode);
	set_text(L, "pinned", info.pinned);
	if (info.ifindex) {
		lua_pushinteger(L, info.ifindex);
		lua_setfield(L, -2, "ifindex");
	}
	lua_pushboolean(L, ebs_link_is_alive(link));
	lua_setfield(L, -2, "alive");
	set_symbols(L, "symbols", &info, false);
	set_symbols(L, "left_out", &info, true);
}

static int link_index(lua_State *L)
{
	struct script_link *self = luaL_checkudata(L, 1, EBS_LINK_CLASS);
	const char *key = luaL_checkstring(L, 2);

	if (strcmp(key, "info"))
		lua_getfield(L, lua_upvalueindex(1), key);
	else if (self->link)
		push_info(L, self->link);
	else
		return luaL_argerror(L, 1, "the link is closed");
	return 1;
}

static int link_tostring(lua_State *L)
{
	struct script_link *self = luaL_checkudata(L, 1, EBS_LINK_CLASS);

	if (self->link)
		lua_pushfstring(L, EBS_LINK_CLASS ": %s", ebs_link_info(self->link).kind);
	else
		lua_pushliteral(L, EBS_LINK_CLASS " (closed)");
	return 1;
}

static struct script_link *check_open(lua_State *L)
{
	struct script_link *self = luaL_checkudata(L, 1, EBS_LINK_CLASS);

	luaL_argcheck(L, self->link, 1, "the link is closed");
	return self;
}

static int finish(lua_State *L, int result, struct ebs_error *error)
{
	if (result)
		return ebs_fail(L, error);
	lua_pushboolean(L, true);
	return 1;
}

static int link_pin(lua_State *L)
{
	struct ebs_error error = { 0 };
	int result = ebs_link_pin(check_open(L)->link, luaL_checkstring(L, 2), &error);

	return finish(L, result, &error);
}

static int link_unpin(lua_State *L)
{
	struct ebs_error error = { 0 };

	return finish(L, ebs_link_unpin(check_open(L)->link, &error), &error);
}

static int link_lines(lua_State *L)
{
	return ebs_push_lines(L, check_open(L)->link);
}

static int link_records(lua_State *L)
{
	struct script_link *self = check_open(L);

	return ebs_push_records(L, self->link, self->object, luaL_optstring(L, 2, NULL));
}

static const luaL_Reg methods[] = {
	{ "close", link_close },     { "lines", link_lines }, { "pin", link_pin },
	{ "records", link_records }, { "unpin", link_unpin }, { NULL, NULL },
};

static const luaL_Reg metamethods[] = {
	{ "__close", link_close },       { "__gc", link_close }, { "__index", link_index },
	{ "__tostring", link_tostring }, { NULL, NULL },
};

void ebs_register_link(lua_State *L)
{
	ebs_new_class(L, EBS_LINK_CLASS, methods, metamethods);
	ebs_register_reader(L);
}
