// SPDX-License-Identifier: GPL-2.0-only
// Rows of records as the kernel sent them: from their bytes, without a Lua value in between.
#include "script/columns.h"

#include <string.h>

#include "output/record.h"
#include "script/object.h"

// How the columns take records of this type apart: made once, moved to the front when it is used.
// Raises, as `argument`'s fault, when they don't fit.
static const struct ebs_record *find_record(lua_State *L, struct script_columns *self,
					    const struct ebs_layout *layout, int argument)
{
	struct ebs_record **records = self->records;
	struct ebs_error error = { 0 };
	int i = 0;

	if (records[0] && ebs_record_fits(records[0], layout)) // nearly always
		return records[0];
	ebs_columns_check_open(L, self);
	while (i < EBS_COLUMNS_TYPES - 1 && records[i] && !ebs_record_fits(records[i], layout))
		i++;
	struct ebs_record *record = records[i];
	if (!record || !ebs_record_fits(record, layout)) {
		record = NULL;
		if (layout->kind == EBS_RECORD)
			record = ebs_record_new(self->columns, layout, &error);
		else
			ebs_error_set(&error, "EINVAL", "columns take structs, not %s",
				      layout->name);
		if (!record)
			ebs_raise_argument(L, argument, &error);
		ebs_record_free(records[i]);
	}
	memmove(records + 1, records, i * sizeof(*records));
	records[0] = record;
	return record;
}

// With columns that the script formats: their texts are made before the row begins. Each time the
// script may have ended the view, or printed other records with these columns.
static void write_formatted(lua_State *L, struct script_columns *self)
{
	size_t count = ebs_columns_count(self->columns);
	const struct ebs_record *record;
	struct ebs_view_bytes view;
	int base = lua_gettop(L) + 1;
	struct ebs_row row;

	luaL_checkstack(L, (int)count + LUA_MINSTACK, "too many columns");
	for (size_t i = 0; i < count; i++) {
		lua_pushnil(L); // ... text
		if (!ebs_columns_is_own(self, i))
			continue;
		ebs_view_bytes(L, 2, &view);
		record = find_record(L, self, view.layout, 2);
		ebs_push_field(L, ebs_record_field(record, i), view.data, view.size);
		lua_replace(L, -2);
		ebs_columns_format_own(L, i, base + (int)i);
	}
	ebs_view_bytes(L, 2, &view);
	record = find_record(L, self, view.layout, 2);
	ebs_buffer_clear(&self->out);
	ebs_row_begin(&row, self->columns, &self->out);
	for (size_t i = 0; i < count; i++) {
		size_t size;
		const char *text = lua_tolstring(L, base + (int)i, &size);

		if (text)
			ebs_row_text(&row, text, size);
		else
			ebs_record_cell(record, &row, view.data, view.size);
	}
	ebs_row_end(&row);
	ebs_columns_write(L, self);
}

static void write_record(lua_State *L, struct script_columns *self, const struct ebs_record *record,
			 const uint8_t *data, size_t size)
{
	ebs_buffer_clear(&self->out);
	ebs_record_append(record, data, size, &self->out);
	ebs_columns_write(L, self);
}

void ebs_columns_write_view(lua_State *L, struct script_columns *self)
{
	struct ebs_view_bytes view;

	if (self->own_formats) {
		ebs_hold_view(L, 2); // ... owner
		write_formatted(L, self);
		return;
	}
	ebs_view_bytes(L, 2, &view);
	write_record(L, self, find_record(L, self, view.layout, 2), view.data, view.size);
}

void ebs_columns_check(lua_State *L, int index, const struct ebs_layout *layout)
{
	struct script_columns *self = ebs_to_columns(L, index);

	if (!layout)
		luaL_argerror(L, index, "columns need to know the type of what they print");
	if (!self->own_text)
		find_record(L, self, layout, index);
}

void ebs_columns_print(lua_State *L, int index, const struct ebs_layout *layout,
		       const uint8_t *data, size_t size, struct ebs_lifetime *lifetime)
{
	struct script_columns *self = lua_touserdata(L, index);

	if (!ebs_columns_call_script(self)) {
		write_record(L, self, find_record(L, self, layout, index), data, size);
		return;
	}
	index = lua_absindex(L, index);
	lua_pushcfunction(L, ebs_columns_record);       // record
	lua_pushvalue(L, index);                        // record columns
	ebs_push_view(L, layout, data, size, lifetime); // record columns view
	lua_call(L, 2, 0);                              // -
}

void ebs_columns_print_all(lua_State *L, int index, const struct ebs_layout *layout,
			   const struct ebs_sample *samples, size_t count)
{
	struct script_columns *self = lua_touserdata(L, index);
	const struct ebs_record *record = find_record(L, self, layout, index);

	ebs_buffer_clear(&self->out);
	for (size_t i = 0; i < count; i++)
		ebs_record_append(record, samples[i].data, samples[i].size, &self->out);
	ebs_columns_write(L, self);
}

static const struct ebs_layout *type_option(lua_State *L, struct ebs_types *types)
{
	if (lua_getfield(L, 3, "type") != LUA_TSTRING) // type
		luaL_argerror(L, 3, "option 'type' must be a string");
	return ebs_check_type(L, 3, types, lua_tostring(L, -1));
}

// The type of a buffer's samples, else that of a map's values.
static const struct ebs_layout *map_type(lua_State *L, struct ebs_types *types,
					 const struct ebs_map *map)
{
	const struct ebs_layout *samples[2];
	struct ebs_error error = { 0 };
	int count = ebs_types_samples(types, map->name, samples, 2, &error);

	if (count < 0)
		ebs_raise(L, &error);
	if (count > 1)
		luaL_argerror(L, 2,
			      lua_pushfstring(L,
					      "map '%s' carries several types: name one by { type "
					      "= \"%s\" }",
					      map->name, samples[0]->name));
	const struct ebs_layout *layout = count ? samples[0] : map->value;
	if (!layout)
		luaL_argerror(L, 2,
			      lua_pushfstring(L,
					      "nothing is known of the type of what is in map "
					      "'%s': name it by { type = \"struct ...\" }",
					      map->name));
	return layout;
}

int ebs_object_columns(lua_State *L)
{
	static const char *const names[] = { "json", "text", "type", NULL };
	struct script_object *object = ebs_check_object(L, 1);
	const char *name = luaL_checkstring(L, 2);
	struct ebs_types *types = ebs_object_types(object->handle);
	struct ebs_map *map = ebs_object_map(object->handle, name);
	const struct ebs_layout *layout;
	struct ebs_buffer spec = { 0 };

	if (!map)
		return luaL_argerror(L, 2, lua_pushfstring(L, "the object has no map '%s'", name));
	lua_settop(L, 3);
	if (lua_isnil(L, 3)) {
		lua_newtable(L);
		lua_replace(L, 3);
	}
	ebs_check_option_names(L, 3, names);
	bool typed = lua_getfield(L, 3, "type") != LUA_TNIL;
	lua_pop(L, 1);
	layout = typed ? type_option(L, types) : map_type(L, types, map);
	if (layout->kind != EBS_RECORD)
		luaL_argerror(L, 2,
			      lua_pushfstring(L,
					      "columns come from a struct's fields, and %s has "
					      "none",
					      layout->name));
	ebs_record_spec(layout, &spec);
	ebs_push_buffer(L, &spec);                      // spec
	ebs_columns_push(L, lua_tostring(L, -1), 3, 2); // spec columns
	ebs_columns_check(L, lua_gettop(L), layout);
	return 1;
}
