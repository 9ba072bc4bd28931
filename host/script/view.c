// SPDX-License-Identifier: GPL-2.0-only
// Views: records, and arrays of records, whose fields are decoded when the script reads them.
#include <string.h>

#include "base/buffer.h"
#include "output/escape.h"
#include "script/value.h"

#define CLASS "bpf.View"

bool ebs_has_view(const struct ebs_layout *layout)
{
	while (layout && layout->kind == EBS_ARRAY)
		layout = layout->element;
	return layout && layout->kind == EBS_RECORD;
}

static void open_view(lua_State *L, const struct ebs_layout *layout, const uint8_t *data,
		      size_t size, struct ebs_lifetime *lifetime)
{
	bool cut = !layout->flexible && size > layout->size;
	struct ebs_view like = { layout, data, cut ? layout->size : size, lifetime };
	void *handle = ebs_view_open(&ebs_state(L)->views, &like);

	if (!handle)
		luaL_error(L, "not enough memory");
	lua_pushlightuserdata(L, handle);
}

void ebs_push_view(lua_State *L, const struct ebs_layout *layout, const uint8_t *data, size_t size,
		   struct ebs_lifetime *lifetime)
{
	if (ebs_has_view(layout))
		open_view(L, layout, data, size, lifetime);
	else
		ebs_push_value(L, layout, data, size);
}

// The owners of lifetimes, by address: a table in the registry that doesn't keep them.
static const char owners_key;

// The names that layouts know by their addresses: a table in the registry. Longer strings than this
// can exist more than once (LUAI_MAXSHORTLEN).
static const char pinned_key;
#define LONGEST_SINGLE 40

void ebs_lifetime_begin(lua_State *L, struct ebs_lifetime *lifetime, int owner)
{
	owner = lua_absindex(L, owner);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &owners_key); // owners
	lua_pushvalue(L, owner);                        // owners owner
	lua_rawsetp(L, -2, lifetime);                   // owners
	lua_pop(L, 1);                                  // -
}

static const void *to_handle(lua_State *L, int index)
{
	const void *handle = lua_touserdata(L, index); // what full userdata has is aligned

	return ebs_is_view(handle) ? handle : NULL;
}

static void raise_over(lua_State *L)
{
	luaL_error(L, "this view's time is over: it lives as long as its handler's call, its turn "
		      "of the loop or its object; keep view:copy() instead");
}

// To be used before another view is opened.
static const struct ebs_view *check_view(lua_State *L, int index)
{
	const void *handle = to_handle(L, index);
	const struct ebs_view *view = ebs_view_find(&ebs_state(L)->views, handle);

	if (view)
		return view;
	luaL_argcheck(L, handle, index, CLASS " expected");
	raise_over(L);
	return NULL;
}

// The same, and pushes the owner: what follows allocates and so may collect garbage, which the
// owner of a view that was kept can be.
static const struct ebs_view *check_and_hold(lua_State *L, int index)
{
	const struct ebs_view *view = check_view(L, index);

	lua_rawgetp(L, LUA_REGISTRYINDEX, &owners_key); // owners
	lua_rawgetp(L, -1, view->lifetime);             // owners owner
	lua_remove(L, -2);                              // owner
	if (lua_isnil(L, -1))
		raise_over(L);
	return view;
}

// Bytes of the view that its layout describes.
static size_t record_size(const struct ebs_view *view)
{
	bool cut = !view->layout->flexible && view->size > view->layout->size;

	return cut ? view->layout->size : view->size;
}

// The bytes behind a record: only a sample has some.
static void push_rest(lua_State *L, const struct ebs_view *view)
{
	size_t size = record_size(view);

	lua_pushlstring(L, (const char *)view->data + size, view->size - size);
}

void ebs_hold_view(lua_State *L, int index)
{
	check_and_hold(L, index); // owner
}

// A row looks at a text before it copies it: what was looked at must be what is copied.
static const uint8_t *copy_bytes(lua_State *L, const uint8_t *data, size_t size)
{
	struct ebs_buffer *copy = &ebs_state(L)->view_copy;

	ebs_buffer_clear(copy);
	ebs_buffer_append(copy, data, size);
	if (!copy->failed)
		return (const uint8_t *)copy->data;
	ebs_buffer_free(copy);
	luaL_error(L, "not enough memory");
	return NULL;
}

bool ebs_view_bytes(lua_State *L, int index, struct ebs_view_bytes *bytes)
{
	if (!to_handle(L, index))
		return false;
	const struct ebs_view *view = check_view(L, index);

	*bytes = (struct ebs_view_bytes){ view->layout, view->data, record_size(view) };
	if (view->lifetime->shared)
		bytes->data = copy_bytes(L, bytes->data, bytes->size);
	return true;
}

// Most fields are plain numbers. False for others, and for those that the record is too short for.
static bool push_number(lua_State *L, const struct ebs_view *view, const struct ebs_field *field)
{
	const uint8_t *at = view->data + field->offset;
	uint32_t size = field->layout->size;
	bool is_signed = field->layout->kind == EBS_SIGNED;
	int64_t value64;
	int32_t value32;

	if ((!is_signed && field->layout->kind != EBS_UNSIGNED) || field->bit_size ||
	    field->offset + (size_t)size > view->size)
		return false;
	if (size == 8) {
		memcpy(&value64, at, 8);
		lua_pushinteger(L, value64);
		return true;
	}
	if (size == 4) {
		memcpy(&value32, at, 4);
		lua_pushinteger(L, is_signed ? value32 : (lua_Integer)(uint32_t)value32);
		return true;
	}
	return false;
}

// What is inside has the same lifetime.
static void push_field(lua_State *L, const struct ebs_view *view, const struct ebs_field *field)
{
	bool plain = field->layout->kind != EBS_ARRAY && field->layout->kind != EBS_RECORD;

	if (plain || field->offset >= view->size)
		ebs_push_field(L, field, view->data, view->size);
	else
		ebs_push_view(L, field->layout, view->data + field->offset,
			      view->size - field->offset, view->lifetime);
}

static void push_element(lua_State *L, const struct ebs_view *view, size_t index)
{
	uint32_t stride = view->layout->element->size;

	ebs_push_view(L, view->layout->element, view->data + index * stride, stride,
		      view->lifetime);
}

static int view_copy(lua_State *L)
{
	const struct ebs_view *view = check_and_hold(L, 1); // owner

	ebs_push_value(L, view->layout, view->data, record_size(view)); // owner table
	if (view->size > record_size(view) && !ebs_layout_field(view->layout, EBS_REST)) {
		push_rest(L, view);            // owner table rest
		lua_setfield(L, -2, EBS_REST); // owner table
	}
	return 1;
}

// As in a sequence, what is outside is nil.
static int index_array(lua_State *L)
{
	const struct ebs_view *view = check_and_hold(L, 1); // owner
	const struct ebs_layout *layout = view->layout;
	lua_Integer count = (lua_Integer)ebs_array_count(layout, view->size);
	int is_integer;
	lua_Integer index = lua_tointegerx(L, 2, &is_integer);

	if (!is_integer) {
		const char *key = luaL_tolstring(L, 2, NULL); // ... key; may have opened views
		return luaL_error(L, "%s is an array: its elements are at 1 to %I, not at '%s'",
				  layout->name, count, key);
	}
	if (index < 1 || index > count)
		lua_pushnil(L);
	else
		push_element(L, view, (size_t)index - 1);
	return 1;
}

// Lua has one string of each name at a time, and this keeps it: its address is as good as the name.
static const struct ebs_field *find_field(lua_State *L, const struct ebs_layout *layout,
					  const char *name)
{
	const struct ebs_field *field = ebs_layout_field(layout, name);

	if (!field || lua_rawlen(L, 2) > LONGEST_SINGLE)
		return field;
	check_and_hold(L, 1);                           // owner
	lua_rawgetp(L, LUA_REGISTRYINDEX, &pinned_key); // owner names
	lua_pushvalue(L, 2);                            // owner names name
	lua_pushboolean(L, true);                       // owner names name true
	lua_rawset(L, -3);                              // owner names
	lua_pop(L, 1);                                  // owner
	ebs_layout_pin(layout, name, field);
	return field;
}

static int view_index(lua_State *L)
{
	const struct ebs_view *view = check_view(L, 1);
	const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
	const struct ebs_layout *layout = view->layout;
	const struct ebs_field *field = name ? ebs_layout_pinned_field(layout, name) : NULL;

	if (name && !field)
		field = find_field(L, layout, name);
	if (field) {
		if (push_number(L, view, field)) // value
			return 1;
		if (field->layout->kind == EBS_ARRAY)
			view = check_and_hold(L, 1); // owner
		push_field(L, view, field);          // owner value
		return 1;
	}
	if (name && strcmp(name, EBS_REST) == 0 && layout->kind == EBS_RECORD &&
	    !layout->flexible) {
		push_rest(L, check_and_hold(L, 1)); // owner rest
		return 1;
	}
	if (name && strcmp(name, "copy") == 0) {
		lua_pushcfunction(L, view_copy);
		return 1;
	}
	if (layout->kind == EBS_ARRAY)
		return index_array(L);
	check_and_hold(L, 1);              // ... owner
	name = luaL_tolstring(L, 2, NULL); // ... name
	return luaL_error(L, "%s has no field '%s'; its fields are: %s", layout->name, name,
			  ebs_push_field_names(L, layout));
}

static int view_newindex(lua_State *L)
{
	return luaL_error(L, "a view can't be changed; change a view:copy()");
}

static int view_len(lua_State *L)
{
	const struct ebs_view *view = check_view(L, 1);

	if (view->layout->kind != EBS_ARRAY)
		return luaL_error(L, "%s is no array: it has no length", view->layout->name);
	lua_pushinteger(L, (lua_Integer)ebs_array_count(view->layout, view->size));
	return 1;
}

// The state of a traversal is a number, so that no two fields of one name are confused.
static int view_next(lua_State *L)
{
	const struct ebs_view *view = check_and_hold(L, 1); // owner
	const struct ebs_layout *layout = view->layout;
	bool is_array = layout->kind == EBS_ARRAY;
	size_t count = is_array ? ebs_array_count(layout, view->size) : layout->field_count;
	size_t next = (size_t)lua_tointeger(L, lua_upvalueindex(1));

	if (next >= count)
		return 0;
	lua_pushinteger(L, (lua_Integer)next + 1); // owner next
	lua_copy(L, -1, lua_upvalueindex(1));
	if (is_array) {
		push_element(L, view, next); // index value
		return 2;
	}
	lua_pushstring(L, layout->fields[next].name); // owner next name
	push_field(L, view, &layout->fields[next]);   // owner next name value
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

	ebs_buffer_append_char(&escaped, '"');
	ebs_escape_text(&escaped, text, size);
	ebs_buffer_append_char(&escaped, '"');
	ebs_push_buffer(L, &escaped); // value text
	lua_remove(L, -2);            // text
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

static void add_elements(lua_State *L, luaL_Buffer *out, const struct ebs_view *view)
{
	const struct ebs_layout *element = view->layout->element;
	size_t count = ebs_array_count(view->layout, view->size);

	luaL_addstring(out, "{");
	for (size_t i = 0; i < count; i++) {
		luaL_addstring(out, i ? ", " : "");
		if (element->kind == EBS_ARRAY) // a view just to be written
			open_view(L, element, view->data + i * element->size, element->size,
				  view->lifetime); // ... value
		else
			push_element(L, view, i); // ... value
		add_value(L, out);
	}
	luaL_addstring(out, "}");
}

static void add_fields(lua_State *L, luaL_Buffer *out, const struct ebs_view *view)
{
	const struct ebs_layout *layout = view->layout;

	luaL_addstring(out, layout->name);
	luaL_addstring(out, " {");
	for (uint32_t i = 0; i < layout->field_count; i++) {
		const struct ebs_field *field = &layout->fields[i];

		luaL_addstring(out, i ? ", " : "");
		luaL_addstring(out, field->name);
		luaL_addstring(out, " = ");
		if (field->layout->kind == EBS_ARRAY && field->offset < view->size)
			open_view(L, field->layout, view->data + field->offset,
				  view->size - field->offset, view->lifetime); // ... value
		else
			push_field(L, view, field); // ... value
		add_value(L, out);
	}
	luaL_addstring(out, "}");
}

static int view_tostring(lua_State *L)
{
	const void *handle = lua_touserdata(L, 1);
	const struct ebs_view *found = ebs_view_find(&ebs_state(L)->views, handle);
	luaL_Buffer out;

	if (!ebs_is_view(handle)) { // of another Lua module
		lua_pushfstring(L, "userdata: %p", handle);
	} else if (!found) {
		lua_pushliteral(L, CLASS " (gone)");
	} else {
		struct ebs_view view = *check_and_hold(L, 1); // owner

		luaL_buffinit(L, &out);
		if (view.layout->kind == EBS_ARRAY)
			add_elements(L, &out, &view);
		else
			add_fields(L, &out, &view);
		luaL_pushresult(&out);
	}
	return 1;
}

static const luaL_Reg metamethods[] = {
	{ "__index", view_index }, { "__len", view_len },           { "__newindex", view_newindex },
	{ "__pairs", view_pairs }, { "__tostring", view_tostring }, { NULL, NULL },
};

// Light userdata has one metatable for all of it.
void ebs_register_view(lua_State *L)
{
	lua_pushlightuserdata(L, NULL); // userdata
	luaL_newmetatable(L, CLASS);    // userdata metatable
	luaL_setfuncs(L, metamethods, 0);
	lua_setmetatable(L, -2); // userdata
	lua_newtable(L);         // userdata owners
	lua_newtable(L);         // userdata owners weak
	lua_pushliteral(L, "v");
	lua_setfield(L, -2, "__mode");
	lua_setmetatable(L, -2);                        // userdata owners
	lua_rawsetp(L, LUA_REGISTRYINDEX, &owners_key); // userdata
	lua_newtable(L);                                // userdata pinned
	lua_rawsetp(L, LUA_REGISTRYINDEX, &pinned_key); // userdata
	lua_pop(L, 1);
}
