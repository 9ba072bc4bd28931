// SPDX-License-Identifier: GPL-2.0-only
// What iterator programs write: link:lines(), link:records().
#include "script/link_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "script/value.h"

#define CLASS "bpf.Reader"

struct reader {
	FILE *file; // NULL at the end
	char *line; // of getline()
	size_t line_size;
	const struct ebs_layout *layout; // of a record, in `line`; NULL: lines
	struct script_object *object;    // whose types these are
	struct ebs_weight weight;
};

static int reader_close(lua_State *L)
{
	struct reader *reader = luaL_checkudata(L, 1, CLASS);

	if (reader->file)
		fclose(reader->file);
	free(reader->line);
	reader->file = NULL;
	reader->line = NULL;
	ebs_weigh(ebs_state(L), &reader->weight, (struct ebs_weight){ 0 });
	return 0;
}

static int end(lua_State *L, struct reader *reader)
{
	int number = ferror(reader->file) ? errno : 0;

	lua_settop(L, 1);
	reader_close(L);
	if (number)
		return luaL_error(L, "the iterator failed: %s", strerror(number));
	lua_pushnil(L);
	return 1;
}

// (reader) -> line or record
static int reader_next(lua_State *L)
{
	struct reader *reader = luaL_checkudata(L, 1, CLASS);

	if (!reader->file)
		return 0;
	if (reader->layout && !reader->object->handle)
		return luaL_error(L, "the link's object is closed");
	if (reader->layout) {
		size_t size = fread(reader->line, 1, reader->layout->size, reader->file);

		if (size == 0)
			return end(L, reader);
		if (size < reader->layout->size)
			return luaL_error(
				L, "the iterator ends within a record: %d of %d bytes of %s",
				(int)size, (int)reader->layout->size, reader->layout->name);
		ebs_push_value(L, reader->layout, (const uint8_t *)reader->line, size);
		return 1;
	}
	ssize_t length = getline(&reader->line, &reader->line_size, reader->file);
	if (length < 0)
		return end(L, reader);
	if (length && reader->line[length - 1] == '\n')
		length--;
	lua_pushlstring(L, reader->line, (size_t)length);
	return 1;
}

static int push_reader(lua_State *L, const struct ebs_link *link, const struct ebs_layout *layout,
		       struct script_object *object)
{
	struct ebs_error error = { 0 };
	bool tried = false;

	ebs_refuse_at_end(L);
	lua_pushcfunction(L, reader_next);                                // next
	struct reader *reader = lua_newuserdatauv(L, sizeof(*reader), 1); // next reader
	*reader = (struct reader){ .layout = layout, .object = object };
	luaL_setmetatable(L, CLASS);
	lua_pushvalue(L, 1); // next reader link: it keeps the types
	lua_setiuservalue(L, -2, 1);
	ebs_make_room(L);
	int fd;
	do
		fd = ebs_link_iterate(link, &error);
	while (fd < 0 && ebs_try_again(L, &error, &tried));
	if (fd < 0) // a loop could do nothing with a failure that is returned
		return ebs_raise_argument(L, 1, &error);
	reader->file = fdopen(fd, "r");
	if (!reader->file)
		close(fd);
	if (layout)
		reader->line = malloc(layout->size);
	if (!reader->file || (layout && !reader->line))
		return luaL_error(L, "not enough memory");
	ebs_weigh(ebs_state(L), &reader->weight,
		  (struct ebs_weight){ .files = 1, .bytes = BUFSIZ });
	return 2; // not to be closed by the loop, as in lua_walk.c
}

#define TYPES_SHOWN 8

// What the program writes; NULL: text. Raises when it is more than one type.
static const struct ebs_layout *find_written(lua_State *L, struct ebs_types *types,
					     const char *program)
{
	const struct ebs_layout *records[TYPES_SHOWN] = { NULL };
	struct ebs_error error = { 0 };
	int count = ebs_types_records(types, program, records, TYPES_SHOWN, &error);
	luaL_Buffer names;

	if (count < 0)
		ebs_raise(L, &error);
	if (count < 2)
		return records[0];
	luaL_buffinit(L, &names);
	for (int i = 0; i < count && i < TYPES_SHOWN; i++) {
		luaL_addstring(&names, i ? ", " : "");
		luaL_addstring(&names, records[i]->name);
	}
	luaL_addstring(&names, count > TYPES_SHOWN ? ", ..." : "");
	luaL_pushresult(&names);
	luaL_argerror(L, 2,
		      lua_pushfstring(L,
				      "program '%s' writes records of several types, name one: %s",
				      program, lua_tostring(L, -1)));
	return NULL;
}

static const struct ebs_layout *find_layout(lua_State *L, struct script_object *object,
					    const char *program, const char *type)
{
	struct ebs_types *types = ebs_object_types(object->handle);
	const struct ebs_layout *layout =
		type ? ebs_check_type(L, 2, types, type) : find_written(L, types, program);

	if (layout && !layout->size)
		luaL_argerror(L, 2, lua_pushfstring(L, "'%s' has no size", layout->name));
	return layout;
}

int ebs_push_records(lua_State *L, const struct ebs_link *link, struct script_object *object,
		     const char *type)
{
	const char *program = ebs_link_info(link).program;

	return push_reader(L, link, find_layout(L, object, program, type), object);
}

int ebs_push_lines(lua_State *L, const struct ebs_link *link)
{
	return push_reader(L, link, NULL, NULL);
}

static const luaL_Reg methods[] = {
	{ NULL, NULL },
};

static const luaL_Reg metamethods[] = {
	{ "__gc", reader_close },
	{ NULL, NULL },
};

void ebs_register_reader(lua_State *L)
{
	ebs_new_class(L, CLASS, methods, metamethods);
}
