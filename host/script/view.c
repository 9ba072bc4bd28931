// SPDX-License-Identifier: GPL-2.0-only
// Views: records whose fields are decoded when the script reads them.
#include <string.h>

#include "base/buffer.h"
#include "output/escape.h"
#include "script/value.h"

#define CLASS "bpf.View"

struct view {
	const struct ebs_layout *layout;
	const uint8_t *data;
	size_t size;
	const struct ebs_lifetime *lifetime;
	uint64_t born; // what the lifetime said then
};

void ebs_push_view(lua_State *L, const struct ebs_layout *layout, const uint8_t *data, size_t size,
		   const struct ebs_lifetime *lifetime, int owner)
{
	owner = lua_absindex(L, owner);
	struct view *view = lua_newuserdatauv(L, sizeof(*view), 1); // view
	*view = (struct view){ layout, data, size, lifetime, lifetime->now };
	lua_pushvalue(L, owner);     // view owner
	lua_setiuservalue(L, -2, 1); // view
	luaL_setmetatable(L, CLASS);
}

static const struct view *check_view(lua_State *L, int index)
{
	const struct view *view = luaL_checkudata(L, index, CLASS);

	if (view->lifetime->now != view->born)
		luaL_error(L, "this view's time is over: it lives as long as its handler's call or "
			      "its turn of "
			      "the loop; keep view:copy() instead");
	return view;
}

bool ebs_view_bytes(lua_State *L, int index, struct ebs_view_bytes *bytes)
{
	if (lua_type(L, index) != LUA_TUSERDATA || !luaL_testudata(L, index, CLASS))
		return false;
	const struct view *view = check_view(L, index);

	*bytes = (struct ebs_view_bytes){ view->layout, view->data, view->size };
	return true;
}

// A nested record is a view of its own, with the same owner and lifetime.
static void push_field(lua_State *L, int index, const struct view *view,
		       const struct ebs_field *field)
{
	if (field->layout->kind != EBS_RECORD || field->offset + field->layout->size > view->size) {
		ebs_push_field(L, field, view->data, view->size); // value
		return;
	}
	lua_getiuservalue(L, index, 1); // owner
	ebs_push_view(L, field->layout, view->data + field->offset, view->size - field->offset,
		      view->lifetime,
		      -1); // owner value
	lua_remove(L, -2); // value
}

static int view_copy(lua_State *L)
{
	const struct view *view = check_view(L, 1);

	ebs_push_value(L, view->layout, view->data, view->size); // table
	return 1;
}

static int view_index(lua_State *L)
{
	const struct view *view = check_view(L, 1);
	const char *name = luaL_checkstring(L, 2);
	const struct ebs_field *field = ebs_layout_field(view->layout, name);

	if (field) {
		push_field(L, 1, view, field); // value
		return 1;
	}
	if (strcmp(name, "copy") == 0) {
		lua_pushcfunction(L, view_copy);
		return 1;
	}
	luaL_Buffer known;
	luaL_buffinit(L, &known);
	for (uint32_t i = 0; i < view->layout->field_count; i++) {
		luaL_addstring(&known, i ? ", " : "");
		luaL_addstring(&known, view->layout->fields[i].name);
	}
	luaL_pushresult(&known); // known
	return luaL_error(L, "%s has no field '%s'; its fields are: %s", view->layout->name, name,
			  lua_tostring(L, -1));
}

static int view_newindex(lua_State *L)
{
	return luaL_error(L, "a view can't be changed; change a view:copy()");
}

// The state of a traversal is the field's number, so that no two fields of one name are confused.
static int view_next(lua_State *L)
{
	const struct view *view = check_view(L, 1);
	lua_Integer next = lua_tointeger(L, lua_upvalueindex(1));

	if (next >= view->layout->field_count)
		return 0;
	lua_pushinteger(L, next + 1); // next
	lua_replace(L, lua_upvalueindex(1));
	lua_pushstring(L, view->layout->fields[next].name);  // name
	push_field(L, 1, view, &view->layout->fields[next]); // name value
	return 2;
}

static int view_pairs(lua_State *L)
{
	check_view(L, 1);
	lua_pushinteger(L, 0);             // 0
	lua_pushcclosure(L, view_next, 1); // next
	lua_pushvalue(L, 1);               // next view
	lua_pushnil(L);                    // next view nil
	return 3;
}

// Bytes that a terminal or a reader could take for something else are written as \xNN.
static void add_quoted(lua_State *L, luaL_Buffer *out)
{
	size_t size;
	const char *text = lua_tolstring(L, -1, &size); // value
	struct ebs_buffer escaped = { 0 };

	ebs_escape_text(&escaped, text, size);
	lua_pushfstring(L, "\"%s\"", escaped.data ? escaped.data : ""); // value text
	ebs_buffer_free(&escaped);
	lua_remove(L, -2); // text
	luaL_addvalue(out);
}

static void add_value(lua_State *L, luaL_Buffer *out)
{
	if (lua_type(L, -1) == LUA_TSTRING) {
		add_quoted(L, out); // -
		return;
	}
	luaL_tolstring(L, -1, NULL); // value text
	lua_remove(L, -2);           // text
	luaL_addvalue(out);
}

static int view_tostring(lua_State *L)
{
	const struct view *view = luaL_checkudata(L, 1, CLASS);
	luaL_Buffer out;

	if (view->lifetime->now != view->born) {
		lua_pushliteral(L, CLASS " (gone)");
		return 1;
	}
	luaL_buffinit(L, &out);
	luaL_addstring(&out, view->layout->name);
	luaL_addstring(&out, " {");
	for (uint32_t i = 0; i < view->layout->field_count; i++) {
		luaL_addstring(&out, i ? ", " : "");
		luaL_addstring(&out, view->layout->fields[i].name);
		luaL_addstring(&out, " = ");
		push_field(L, 1, view, &view->layout->fields[i]); // ... value
		add_value(L, &out);
	}
	luaL_addstring(&out, "}");
	luaL_pushresult(&out);
	return 1;
}

static const luaL_Reg metamethods[] = {
	{ "__index", view_index },
	{ "__newindex", view_newindex },
	{ "__pairs", view_pairs },
	{ "__tostring", view_tostring },
	{ NULL, NULL },
};

void ebs_register_view(lua_State *L)
{
	luaL_newmetatable(L, CLASS); // metatable
	luaL_setfuncs(L, metamethods, 0);
	lua_pop(L, 1);
}
