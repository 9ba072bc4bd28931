// SPDX-License-Identifier: GPL-2.0-only
// Lua values to bytes, with messages that name the field that doesn't fit.
#include <errno.h>
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
static bool find_enumerator(struct reader *reader, const struct ebs_layout *layout,
			    const char *name, int64_t *value)
{
	const char *enumerator;

	for (uint32_t i = 0;
	     reader->types &&
	     (enumerator = ebs_types_enumerator(reader->types, layout->type_id, i, value));
	     i++)
		if (strcmp(enumerator, name) == 0)
			return true;
	return false;
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
	else if (lua_type(L, index) == LUA_TSTRING)
		is_integer = find_enumerator(reader, layout, lua_tostring(L, index), value);
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

static int read_array(struct reader *reader, int index, const struct ebs_layout *layout,
		      uint8_t *out, const struct place *place)
{
	lua_State *L = reader->L;
	char text[200];
	if (lua_type(L, index) != LUA_TTABLE)
		return refuse_value(reader, index, place, layout, "a sequence");

	size_t count = lua_rawlen(L, index);
	if (count > layout->count) {
		snprintf(text, sizeof(text), "type %s holds %u elements, got %zu", layout->name,
			 layout->count, count);
		return refuse(reader, place, text);
	}
	int result = 0;
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

static int read_field(struct reader *reader, int index, const struct ebs_field *field,
		      uint8_t *record, const struct place *place)
{
	int64_t value;

	if (!field->bit_size)
		return read_value(reader, index, field->layout, record + field->offset, place);
	if (field->layout->kind == EBS_BOOL && lua_isboolean(reader->L, index)) {
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

static int read_record(struct reader *reader, int index, const struct ebs_layout *layout,
		       uint8_t *out, const struct place *place)
{
	lua_State *L = reader->L;
	struct ebs_view_bytes view;

	if (ebs_view_bytes(L, index, &view)) {
		if (view.layout->size != layout->size || strcmp(view.layout->name, layout->name))
			return refuse(reader, place, "the view is of another type");
		memcpy(out, view.data, view.size < layout->size ? view.size : layout->size);
		return 0;
	}
	if (lua_type(L, index) != LUA_TTABLE)
		return refuse_value(reader, index, place, layout, "a table");

	int result = 0;
	lua_pushnil(L);                         // key
	while (!result && lua_next(L, index)) { // key value
		const char *name =
			lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "(not a name)";
		const struct ebs_field *field = ebs_layout_field(layout, name);
		struct place inner = { place, name, 0 };

		result = field ? read_field(reader, lua_gettop(L), field, out, &inner)
			       : refuse_field(reader, name, layout, place);
		lua_pop(L, result ? 2 : 1); // key
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
		if (lua_type(L, index) != LUA_TNUMBER)
			return refuse_value(reader, index, place, layout, "a number");
		if (layout->size == 8)
			memcpy(out, &(double){ lua_tonumber(L, index) }, 8);
		else
			memcpy(out, &(float){ (float)lua_tonumber(L, index) }, 4);
		return 0;
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
