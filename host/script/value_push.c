// SPDX-License-Identifier: GPL-2.0-only
// Bytes to Lua values.
#include <string.h>

#include "script/value.h"
#include "types/load.h"

size_t ebs_array_count(const struct ebs_layout *layout, size_t size)
{
	size_t stride = layout->element->size;

	if (stride && (layout->flexible || layout->count * stride > size))
		return size / stride;
	return layout->count;
}

static void push_array(lua_State *L, const struct ebs_layout *layout, const uint8_t *data,
		       size_t size)
{
	uint32_t stride = layout->element->size;
	size_t count = ebs_array_count(layout, size);

	lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0); // array
	for (size_t i = 0; i < count; i++) {
		ebs_push_value(L, layout->element, data + i * stride, stride); // array value
		lua_rawseti(L, -2, (lua_Integer)i + 1);                        // array
	}
}

static void push_record(lua_State *L, const struct ebs_layout *layout, const uint8_t *data,
			size_t size)
{
	lua_createtable(L, 0, (int)layout->field_count); // record
	for (uint32_t i = 0; i < layout->field_count; i++) {
		ebs_push_field(L, &layout->fields[i], data, size); // record value
		lua_setfield(L, -2, layout->fields[i].name);       // record
	}
}

void ebs_push_value(lua_State *L, const struct ebs_layout *layout, const uint8_t *data, size_t size)
{
	if (!layout) {
		lua_pushlstring(L, (const char *)data, size);
		return;
	}

	bool whole = size >= layout->size;
	size_t length = layout->flexible || !whole ? size : layout->size;
	if (!whole && (layout->kind == EBS_SIGNED || layout->kind == EBS_UNSIGNED ||
		       layout->kind == EBS_BOOL || layout->kind == EBS_FLOAT)) {
		lua_pushnil(L);
		return;
	}
	switch (layout->kind) {
	case EBS_SIGNED:
		lua_pushinteger(L, ebs_load_signed(data, layout->size));
		break;
	case EBS_UNSIGNED:
		lua_pushinteger(L, (lua_Integer)ebs_load_unsigned(data, layout->size));
		break;
	case EBS_BOOL:
		lua_pushboolean(L, ebs_load_unsigned(data, layout->size) != 0);
		break;
	case EBS_FLOAT:
		lua_pushnumber(L, ebs_load_float(data, layout->size));
		break;
	case EBS_STRING:
		lua_pushlstring(L, (const char *)data, ebs_text_size(layout, data, length));
		break;
	case EBS_BYTES:
		lua_pushlstring(L, (const char *)data, length);
		break;
	case EBS_ARRAY:
		luaL_checkstack(L, 4, "a type is nested too deeply");
		push_array(L, layout, data, length);
		break;
	case EBS_RECORD:
		luaL_checkstack(L, 4, "a type is nested too deeply");
		push_record(L, layout, data, length);
		break;
	}
}

static void push_wide_bitfield(lua_State *L, const struct ebs_field *field, const uint8_t *record)
{
	uint8_t bytes[16];

	ebs_bitfield_get_bytes(field, record, bytes);
	lua_pushlstring(L, (const char *)bytes, sizeof(bytes));
}

void ebs_push_field(lua_State *L, const struct ebs_field *field, const uint8_t *record, size_t size)
{
	if (!field->bit_size) {
		if (field->offset > size || (field->offset == size && field->layout->size))
			lua_pushnil(L);
		else
			ebs_push_value(L, field->layout, record + field->offset,
				       size - field->offset);
		return;
	}
	if (field->offset + (field->bit_offset + field->bit_size + 7u) / 8 > size)
		lua_pushnil(L);
	else if (field->layout->kind == EBS_BYTES)
		push_wide_bitfield(L, field, record);
	else if (field->layout->kind == EBS_BOOL)
		lua_pushboolean(L, ebs_bitfield_get(field, record) != 0);
	else
		lua_pushinteger(L, ebs_bitfield_get(field, record));
}

const char *ebs_push_field_names(lua_State *L, const struct ebs_layout *layout)
{
	luaL_Buffer names;

	luaL_buffinit(L, &names);
	for (uint32_t i = 0; i < layout->field_count; i++) {
		luaL_addstring(&names, i ? ", " : "");
		luaL_addstring(&names, layout->fields[i].name);
	}
	luaL_pushresult(&names); // names
	return lua_tostring(L, -1);
}
