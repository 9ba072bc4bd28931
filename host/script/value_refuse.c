// SPDX-License-Identifier: GPL-2.0-only
// Why a Lua value is not what a C type can hold, in words.
#include "script/value_refuse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buffer.h"

static void append_place(struct ebs_buffer *out, const struct ebs_place *place)
{
	if (place->outer)
		append_place(out, place->outer);
	if (place->name)
		ebs_buffer_printf(out, "%s%s", place->outer ? "." : "", place->name);
	else
		ebs_buffer_printf(out, "[%lld]", (long long)place->index);
}

static int refuse(struct ebs_reader *reader, const struct ebs_place *place, const char *text)
{
	struct ebs_buffer where = { 0 };

	append_place(&where, place);
	ebs_error_set(reader->error, "EINVAL", "%s: %s", where.data ? where.data : "", text);
	ebs_buffer_free(&where);
	return -EINVAL;
}

int ebs_refuse(struct ebs_reader *reader, const struct ebs_place *place, const char *format, ...)
{
	char text[400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return refuse(reader, place, text);
}

// "70000", "a view of struct peer".
static const char *describe(lua_State *L, int index, char *out, size_t size)
{
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

int ebs_refuse_value(struct ebs_reader *reader, int index, const struct ebs_place *place,
		     const struct ebs_layout *layout, const char *wanted)
{
	char got[80];

	return ebs_refuse(reader, place, "%s expected for type %.200s, got %s", wanted,
			  layout->name, describe(reader->L, index, got, sizeof(got)));
}

int ebs_refuse_key(struct ebs_reader *reader, int index, const struct ebs_place *place)
{
	char got[80];

	return ebs_refuse(reader, place, "a sequence expected, got a table with the key %s",
			  describe(reader->L, index, got, sizeof(got)));
}

static int refuse_list(struct ebs_reader *reader, const struct ebs_place *place,
		       struct ebs_buffer *text)
{
	int result = refuse(reader, place, text->failed ? "there is no such name" : text->data);

	ebs_buffer_free(text);
	return result;
}

int ebs_refuse_field(struct ebs_reader *reader, const struct ebs_place *place,
		     const struct ebs_layout *layout, const char *name)
{
	struct ebs_buffer text = { 0 };

	ebs_buffer_printf(&text, "%s has no field \"%s\"; its fields are: ", layout->name, name);
	for (uint32_t i = 0; i < layout->field_count; i++)
		ebs_buffer_printf(&text, "%s%s", i ? ", " : "", layout->fields[i].name);
	return refuse_list(reader, place, &text);
}

int ebs_refuse_enumerator(struct ebs_reader *reader, const struct ebs_place *place,
			  const struct ebs_layout *layout, const char *name)
{
	struct ebs_buffer text = { 0 };
	const char *enumerator;
	int64_t value;

	ebs_buffer_printf(&text, "%s has no value \"%.40s\"; its values are: ", layout->name, name);
	for (uint32_t i = 0;
	     (enumerator = ebs_types_enumerator(reader->types, layout->type_id, i, &value)); i++)
		ebs_buffer_printf(&text, "%s%s", i ? ", " : "", enumerator);
	return refuse_list(reader, place, &text);
}
