// SPDX-License-Identifier: GPL-2.0-only
// Lua values to bytes, with messages that name the field that doesn't fit.
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "script/value.h"

// Where in the value the reader is, for messages: "key.addresses[2].port".
struct place {
	const struct place *outer;
	const char *name;  // a field, or NULL
	lua_Integer index; // of an array, when there is no name
};

struct reader {
	lua_State *L;
	struct ebs_types *types;
	struct ebs_error *error;
};

static int read_value(struct reader *reader, int index, const struct ebs_layout *layout,
		      uint8_t *out, const struct place *place);

static void append_place(struct ebs_buffer *out, const struct place *place)
{
	if (place->outer)
		append_place(out, place->outer);
	if (place->name)
		ebs_buffer_printf(out, "%s%s", place->outer ? "." : "", place->name);
	else
		ebs_buffer_printf(out, "[%lld]", (long long)place->index);
}

static int refuse(struct reader *reader, const struct place *place, const char *text)
{
	struct ebs_buffer where = { 0 };

	append_place(&where, place);
	ebs_error_set(reader->error, "EINVAL", "%s: %s", where.data ? where.data : "", text);
	ebs_buffer_free(&where);
	return -EINVAL;
}

// "got 70000", "got a table".
static const char *describe(struct reader *reader, int index, char *out, size_t size)
{
	lua_State *L = reader->L;
	struct ebs_view_bytes view;

	if (ebs_view_bytes(L, index, &view)) {
		snprintf(out, size, "a view of %s", view.layout->name);
		return out;
	}
	switch (lua_type(L, index)) {
	case LUA_TNUMBER:
		if (lua_isinteger(L, index))
			snprintf(out, size, "%lld", (long long)lua_tointeger(L, index));
		else
			snprintf(out, size, "%.14g", lua_tonumber(L, index));
		break;
	case LUA_TSTRING:
		snprintf(out, size, "the string \"%.40s\"", lua_tostring(L, index));
		break;
	case LUA_TBOOLEAN:
		snprintf(out, size, "%s", lua_toboolean(L, index) ? "true" : "false");
		break;
	default:
		snprintf(out, size, "a value of type %s", luaL_typename(L, index));
	}
	return out;
}

static int refuse_value(struct reader *reader, int index, const struct place *place,
			const struct ebs_layout *layout, const char *wanted)
{
	char got[80];
	char text[320];

	snprintf(text, sizeof(text), "%s expected for type %s, got %s", wanted, layout->name,
		 describe(reader, index, got, sizeof(got)));
	return refuse(reader, place, text);
}

// An enumerator's name stands for its value.
static int read_enumerator(struct reader *reader, const struct ebs_layout *layout, const char *name,
			   const struct place *place, int64_t *value)
{
	struct ebs_buffer text = { 0 };
	const char *enumerator;

	ebs_buffer_printf(&text, "%s has no value \"%.40s\"; its values are: ", layout->name, name);
	for (uint32_t i = 0;
	     (enumerator = ebs_types_enumerator(reader->types, layout->type_id, i, value)); i++) {
		if (strcmp(enumerator, name) == 0) {
			ebs_buffer_free(&text);
			return 0;
		}
		ebs_buffer_printf(&text, "%s%s", i ? ", " : "", enumerator);
	}
	int result = refuse(reader, place, text.data ? text.data : "unknown enumerator");
	ebs_buffer_free(&text);
	return result;
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

static int read_integer(struct reader *reader, int index, const struct ebs_layout *layout,
			unsigned bits, const struct place *place, int64_t *value)
{
	lua_State *L = reader->L;
	int is_integer = 0;

	if (lua_type(L, index) == LUA_TNUMBER)
		*value = lua_tointegerx(L, index, &is_integer);
	else if (lua_type(L, index) == LUA_TSTRING && reader->types &&
		 ebs_types_enumerator(reader->types, layout->type_id, 0, value))
		return read_enumerator(reader, layout, lua_tostring(L, index), place, value);
	if (!is_integer)
		return refuse_value(reader, index, place, layout, "an integer");
	if (in_range(*value, bits, layout->kind == EBS_SIGNED))
		return 0;

	char text[200];
	bool is_signed = layout->kind == EBS_SIGNED;
	snprintf(text, sizeof(text), "%lld doesn't fit into %s (%lld to %lld)", (long long)*value,
		 layout->name, (long long)lowest(bits, is_signed),
		 (long long)highest(bits, is_signed));
	return refuse(reader, place, text);
}

static void store(uint8_t *out, int64_t value, uint32_t size)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(out, &value, size);
#else
	memcpy(out, (uint8_t *)&value + 8 - size, size);
#endif
}

static int read_number(struct reader *reader, int index, const struct ebs_layout *layout,
		       uint8_t *out, const struct place *place)
{
	if (lua_type(reader->L, index) != LUA_TNUMBER)
		return refuse_value(reader, index, place, layout, "a number");
	double number = lua_tonumber(reader->L, index);
	if (layout->size == 8) {
		memcpy(out, &number, 8);
		return 0;
	}
	if (isfinite(number) && fabs(number) > (double)FLT_MAX)
		return refuse_value(reader, index, place, layout, "a smaller number");
	memcpy(out, &(float){ (float)number }, 4);
	return 0;
}

static int read_text(struct reader *reader, int index, const struct ebs_layout *layout,
		     uint8_t *out, const struct place *place)
{
	char text[200];

	if (lua_type(reader->L, index) != LUA_TSTRING)
		return refuse_value(reader, index, place, layout, "a string");
	size_t size;
	const char *data = lua_tolstring(reader->L, index, &size);
	bool fits = layout->kind == EBS_STRING ? size <= layout->size : size == layout->size;

	if (!fits) {
		snprintf(text, sizeof(text), "a string of %s%u bytes expected for type %s, got %zu",
			 layout->kind == EBS_STRING ? "at most " : "", layout->size, layout->name,
			 size);
		return refuse(reader, place, text);
	}
	memcpy(out, data, size);
	return 0;
}

// A view of the same type is copied as it is.
static int read_view(struct reader *reader, const struct ebs_view_bytes *view,
		     const struct ebs_layout *layout, uint8_t *out, const struct place *place)
{
	char text[320];

	if (!ebs_layout_equal(view->layout, layout)) {
		snprintf(text, sizeof(text), "the view is of another type: %s expected, got %s",
			 layout->name, view->layout->name);
		return refuse(reader, place, text);
	}
	memcpy(out, view->data, view->size < layout->size ? view->size : layout->size);
	return 0;
}

// The table's only keys are 1 to `count`.
static int check_sequence(struct reader *reader, int index, size_t count, const struct place *place)
{
	lua_State *L = reader->L;
	size_t keys = 0;
	char text[120];

	lua_pushnil(L); // key
	while (lua_next(L, index)) {
		keys++;
		lua_pop(L, 1); // key
		if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 1 &&
		    (size_t)lua_tointeger(L, -1) <= count)
			continue;
		char got[80];
		snprintf(text, sizeof(text), "a sequence expected, got a table with the key %s",
			 describe(reader, lua_gettop(L), got, sizeof(got)));
		lua_pop(L, 1); // -
		return refuse(reader, place, text);
	}
	snprintf(text, sizeof(text), "a sequence of %zu expected, got one with gaps", count);
	return keys == count ? 0 : refuse(reader, place, text);
}

static int read_array(struct reader *reader, int index, const struct ebs_layout *layout,
		      uint8_t *out, const struct place *place)
{
	lua_State *L = reader->L;
	struct ebs_view_bytes view;
	char text[200];
	if (ebs_view_bytes(L, index, &view))
		return read_view(reader, &view, layout, out, place);
	if (lua_type(L, index) != LUA_TTABLE)
		return refuse_value(reader, index, place, layout, "a sequence");

	size_t count = lua_rawlen(L, index);
	if (count > layout->count) {
		snprintf(text, sizeof(text), "type %s holds %u elements, got %zu", layout->name,
			 layout->count, count);
		return refuse(reader, place, text);
	}
	int result = check_sequence(reader, index, count, place);
	for (size_t i = 0; i < count && !result; i++) {
		struct place inner = { place, NULL, (lua_Integer)i + 1 };

		lua_rawgeti(L, index, inner.index); // value
		result = read_value(reader, lua_gettop(L), layout->element,
				    out + i * layout->element->size, &inner);
		lua_pop(L, 1);
	}
	return result;
}

static int refuse_field(struct reader *reader, const char *name, const struct ebs_layout *layout,
			const struct place *place)
{
	struct ebs_buffer text = { 0 };

	ebs_buffer_printf(&text, "%s has no field \"%s\"; its fields are: ", layout->name, name);
	for (uint32_t i = 0; i < layout->field_count; i++)
		ebs_buffer_printf(&text, "%s%s", i ? ", " : "", layout->fields[i].name);
	int result = refuse(reader, place, text.data ? text.data : "unknown field");
	ebs_buffer_free(&text);
	return result;
}

static int read_wide_bitfield(struct reader *reader, int index, const struct ebs_field *field,
			      uint8_t *record, const struct place *place)
{
	uint8_t bytes[16];
	char text[120];
	int result = read_text(reader, index, field->layout, bytes, place);

	if (result)
		return result;
	if (!ebs_bitfield_fits(field, bytes)) {
		snprintf(text, sizeof(text), "the integer in these bytes doesn't fit into %u bits",
			 field->bit_size);
		return refuse(reader, place, text);
	}
	ebs_bitfield_set_bytes(field, record, bytes);
	return 0;
}

static int read_field(struct reader *reader, int index, const struct ebs_field *field,
		      uint8_t *record, const struct place *place)
{
	int64_t value;

	if (!field->bit_size)
		return read_value(reader, index, field->layout, record + field->offset, place);
	if (field->layout->kind == EBS_BYTES)
		return read_wide_bitfield(reader, index, field, record, place);
	if (field->layout->kind == EBS_BOOL) {
		if (!lua_isboolean(reader->L, index))
			return refuse_value(reader, index, place, field->layout, "true or false");
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
static int check_names(struct reader *reader, int index, const struct ebs_layout *layout,
		       const struct place *place)
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
		return refuse_field(reader, name, layout, place);
	}
	return 0;
}

// The order is that of the C: where fields overlap in a union, the last one wins.
static int read_record(struct reader *reader, int index, const struct ebs_layout *layout,
		       uint8_t *out, const struct place *place)
{
	lua_State *L = reader->L;
	struct ebs_view_bytes view;

	if (ebs_view_bytes(L, index, &view))
		return read_view(reader, &view, layout, out, place);
	if (lua_type(L, index) != LUA_TTABLE)
		return refuse_value(reader, index, place, layout, "a table");

	int result = check_names(reader, index, layout, place);
	for (uint32_t i = 0; i < layout->field_count && !result; i++) {
		const struct ebs_field *field = &layout->fields[i];
		struct place inner = { place, field->name, 0 };

		lua_pushstring(L, field->name);       // name
		if (lua_rawget(L, index) != LUA_TNIL) // value
			result = read_field(reader, lua_gettop(L), field, out, &inner);
		lua_pop(L, 1); // -
	}
	return result;
}

// `out` is zero before.
static int read_value(struct reader *reader, int index, const struct ebs_layout *layout,
		      uint8_t *out, const struct place *place)
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
			return refuse_value(reader, index, place, layout, "true or false");
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
	struct reader reader = { L, types, error };
	struct place place = { NULL, what, 0 };

	memset(out, 0, layout->size);
	return read_value(&reader, lua_absindex(L, index), layout, out, &place);
}
