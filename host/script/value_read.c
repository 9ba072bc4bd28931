// SPDX-License-Identifier: GPL-2.0-only
// Lua values to bytes, with messages that name the field that doesn't fit.
#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "script/value_refuse.h"

static int read_value(struct ebs_reader *reader, int index, const struct ebs_layout *layout,
		      uint8_t *out, const struct ebs_place *place);

// An enumerator's name stands for its value.
static int read_enumerator(struct ebs_reader *reader, const struct ebs_layout *layout,
			   const char *name, const struct ebs_place *place, int64_t *value)
{
	const char *enumerator;

	for (uint32_t i = 0;
	     (enumerator = ebs_types_enumerator(reader->types, layout->type_id, i, value)); i++)
		if (strcmp(enumerator, name) == 0)
			return 0;
	return ebs_refuse_enumerator(reader, place, layout, name);
}

static int64_t highest(unsigned bits, bool is_signed)
{
	return (int64_t)((UINT64_C(1) << (bits - is_signed)) - 1);
}

static int64_t lowest(unsigned bits, bool is_signed)
{
	return is_signed ? -highest(bits, true) - 1 : 0;
}

// A u64 takes every Lua integer: those above 2^63 - 1 are negative in Lua.
static bool in_range(int64_t value, unsigned bits, bool is_signed)
{
	return bits == 64 ||
	       (value >= lowest(bits, is_signed) && value <= highest(bits, is_signed));
}

static int read_integer(struct ebs_reader *reader, int index, const struct ebs_layout *layout,
			unsigned bits, const struct ebs_place *place, int64_t *value)
{
	lua_State *L = reader->L;
	int is_integer = 0;

	if (lua_type(L, index) == LUA_TNUMBER)
		*value = lua_tointegerx(L, index, &is_integer);
	else if (lua_type(L, index) == LUA_TSTRING && reader->types &&
		 ebs_types_enumerator(reader->types, layout->type_id, 0, value))
		return read_enumerator(reader, layout, lua_tostring(L, index), place, value);
	if (!is_integer)
		return ebs_refuse_value(reader, index, place, layout, "an integer");
	if (in_range(*value, bits, layout->kind == EBS_SIGNED))
		return 0;

	bool is_signed = layout->kind == EBS_SIGNED;
	return ebs_refuse(reader, place, "%lld doesn't fit into %s (%lld to %lld)",
			  (long long)*value, layout->name, (long long)lowest(bits, is_signed),
			  (long long)highest(bits, is_signed));
}

static void store(uint8_t *out, int64_t value, uint32_t size)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(out, &value, size);
#else
	memcpy(out, (uint8_t *)&value + 8 - size, size);
#endif
}

static int read_number(struct ebs_reader *reader, int index, const struct ebs_layout *layout,
		       uint8_t *out, const struct ebs_place *place)
{
	if (lua_type(reader->L, index) != LUA_TNUMBER)
		return ebs_refuse_value(reader, index, place, layout, "a number");
	double number = lua_tonumber(reader->L, index);
	if (layout->size == 8) {
		memcpy(out, &number, 8);
		return 0;
	}
	if (isfinite(number) && fabs(number) > (double)FLT_MAX)
		return ebs_refuse_value(reader, index, place, layout, "a smaller number");
	memcpy(out, &(float){ (float)number }, 4);
	return 0;
}

static int read_text(struct ebs_reader *reader, int index, const struct ebs_layout *layout,
		     uint8_t *out, const struct ebs_place *place)
{
	if (lua_type(reader->L, index) != LUA_TSTRING)
		return ebs_refuse_value(reader, index, place, layout, "a string");
	size_t size;
	const char *data = lua_tolstring(reader->L, index, &size);
	bool fits = layout->kind == EBS_STRING ? size <= layout->size : size == layout->size;

	if (!fits) {
		return ebs_refuse(reader, place,
				  "a string of %s%u bytes expected for type %s, got %zu",
				  layout->kind == EBS_STRING ? "at most " : "", layout->size,
				  layout->name, size);
	}
	memcpy(out, data, size);
	return 0;
}

// A view of the same type is copied as it is.
static int read_view(struct ebs_reader *reader, const struct ebs_view_bytes *view,
		     const struct ebs_layout *layout, uint8_t *out, const struct ebs_place *place)
{
	if (!ebs_layout_equal(view->layout, layout)) {
		return ebs_refuse(reader, place, "the view is of another type: %s expected, got %s",
				  layout->name, view->layout->name);
	}
	memcpy(out, view->data, view->size < layout->size ? view->size : layout->size);
	return 0;
}

// The table's only keys are 1 to `count`.
static int check_sequence(struct ebs_reader *reader, int index, size_t count,
			  const struct ebs_place *place)
{
	lua_State *L = reader->L;
	size_t keys = 0;
	lua_pushnil(L); // key
	while (lua_next(L, index)) {
		keys++;
		lua_pop(L, 1); // key
		if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 1 &&
		    (size_t)lua_tointeger(L, -1) <= count)
			continue;
		int result = ebs_refuse_key(reader, lua_gettop(L), place);
		lua_pop(L, 1); // -
		return result;
	}
	if (keys != count)
		return ebs_refuse(reader, place, "a sequence of %zu expected, got one with gaps",
				  count);
	return 0;
}

static int read_array(struct ebs_reader *reader, int index, const struct ebs_layout *layout,
		      uint8_t *out, const struct ebs_place *place)
{
	lua_State *L = reader->L;
	struct ebs_view_bytes view;
	if (ebs_view_bytes(L, index, &view))
		return read_view(reader, &view, layout, out, place);
	if (lua_type(L, index) != LUA_TTABLE)
		return ebs_refuse_value(reader, index, place, layout, "a sequence");

	size_t count = lua_rawlen(L, index);
	if (count > layout->count) {
		return ebs_refuse(reader, place, "type %s holds %u elements, got %zu", layout->name,
				  layout->count, count);
	}
	int result = check_sequence(reader, index, count, place);
	for (size_t i = 0; i < count && !result; i++) {
		struct ebs_place inner = { place, NULL, (lua_Integer)i + 1 };

		lua_rawgeti(L, index, inner.index); // value
		result = read_value(reader, lua_gettop(L), layout->element,
				    out + i * layout->element->size, &inner);
		lua_pop(L, 1);
	}
	return result;
}

static int read_wide_bitfield(struct ebs_reader *reader, int index, const struct ebs_field *field,
			      uint8_t *record, const struct ebs_place *place)
{
	uint8_t bytes[16];
	int result = read_text(reader, index, field->layout, bytes, place);

	if (result)
		return result;
	if (!ebs_bitfield_fits(field, bytes)) {
		return ebs_refuse(reader, place,
				  "the integer in these bytes doesn't fit into %u bits",
				  field->bit_size);
	}
	ebs_bitfield_set_bytes(field, record, bytes);
	return 0;
}

static int read_field(struct ebs_reader *reader, int index, const struct ebs_field *field,
		      uint8_t *record, const struct ebs_place *place)
{
	int64_t value;

	if (!field->bit_size)
		return read_value(reader, index, field->layout, record + field->offset, place);
	if (field->layout->kind == EBS_BYTES)
		return read_wide_bitfield(reader, index, field, record, place);
	if (field->layout->kind == EBS_BOOL) {
		if (!lua_isboolean(reader->L, index))
			return ebs_refuse_value(reader, index, place, field->layout,
						"true or false");
		value = lua_toboolean(reader->L, index);
	} else {
		int result =
			read_integer(reader, index, field->layout, field->bit_size, place, &value);
		if (result)
			return result;
	}
	ebs_bitfield_set(field, record, (uint64_t)value);
	return 0;
}

// All keys of the table are names of fields.
static int check_names(struct ebs_reader *reader, int index, const struct ebs_layout *layout,
		       const struct ebs_place *place)
{
	lua_State *L = reader->L;

	lua_pushnil(L); // key
	while (lua_next(L, index)) {
		lua_pop(L, 1); // key
		const char *name =
			lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "(not a name)";
		if (ebs_layout_field(layout, name))
			continue;
		lua_pop(L, 1); // -
		return ebs_refuse_field(reader, place, layout, name);
	}
	return 0;
}

// The order is that of the C: where fields overlap in a union, the last one wins.
static int read_record(struct ebs_reader *reader, int index, const struct ebs_layout *layout,
		       uint8_t *out, const struct ebs_place *place)
{
	lua_State *L = reader->L;
	struct ebs_view_bytes view;

	if (ebs_view_bytes(L, index, &view))
		return read_view(reader, &view, layout, out, place);
	if (lua_type(L, index) != LUA_TTABLE)
		return ebs_refuse_value(reader, index, place, layout, "a table");

	int result = check_names(reader, index, layout, place);
	for (uint32_t i = 0; i < layout->field_count && !result; i++) {
		const struct ebs_field *field = &layout->fields[i];
		struct ebs_place inner = { place, field->name, 0 };

		lua_pushstring(L, field->name);       // name
		if (lua_rawget(L, index) != LUA_TNIL) // value
			result = read_field(reader, lua_gettop(L), field, out, &inner);
		lua_pop(L, 1); // -
	}
	return result;
}

// `out` is zero before.
static int read_value(struct ebs_reader *reader, int index, const struct ebs_layout *layout,
		      uint8_t *out, const struct ebs_place *place)
{
	lua_State *L = reader->L;
	int64_t integer;
	int result = 0;

	luaL_checkstack(L, 4, "a value is nested too deeply");
	switch (layout->kind) {
	case EBS_SIGNED:
	case EBS_UNSIGNED:
		result = read_integer(reader, index, layout, layout->size * 8, place, &integer);
		if (!result)
			store(out, integer, layout->size);
		return result;
	case EBS_BOOL:
		if (!lua_isboolean(L, index))
			return ebs_refuse_value(reader, index, place, layout, "true or false");
		store(out, lua_toboolean(L, index), layout->size);
		return 0;
	case EBS_FLOAT:
		return read_number(reader, index, layout, out, place);
	case EBS_STRING:
	case EBS_BYTES:
		return read_text(reader, index, layout, out, place);
	case EBS_ARRAY:
		return read_array(reader, index, layout, out, place);
	case EBS_RECORD:
		return read_record(reader, index, layout, out, place);
	}
	return -EINVAL;
}

int ebs_read_value(lua_State *L, int index, struct ebs_types *types,
		   const struct ebs_layout *layout, uint8_t *out, const char *what,
		   struct ebs_error *error)
{
	struct ebs_reader reader = { L, types, error };
	struct ebs_place place = { NULL, what, 0 };

	memset(out, 0, layout->size);
	return read_value(&reader, lua_absindex(L, index), layout, out, &place);
}
