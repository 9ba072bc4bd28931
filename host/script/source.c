// SPDX-License-Identifier: GPL-2.0-only
// Which lines of the script a piece of C is: the string that it was written as is looked for in the
// Lua files whose functions led to the call.
#include "script/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "script/literals.h"
#include "script/script.h"
#include "script/source_parts.h"

#define DEEPEST 32 // functions between bpf.load() and the one that has the C

// A Lua file.
struct file {
	const char *text; // `size` bytes
	size_t size;
	const char *name;      // for messages
	struct ebs_buffer own; // what was read for this
};

// The file that a function on the stack comes from. False when it is none that can be read.
static bool open_file(const struct ebs_state *state, const lua_Debug *function, struct file *file)
{
	const char *path = function->source + 1;

	*file = (struct file){ 0 };
	if (*function->source != '@' && *function->source != '=')
		return false;
	if (strcmp(path, state->name) == 0) { // as run_text() has called it
		*file = (struct file){ state->text, state->text_size, state->name };
		return true;
	}
	if (*function->source != '@' || ebs_buffer_read_file(&file->own, path) || !file->own.data) {
		ebs_buffer_free(&file->own);
		return false;
	}
	const char *slash = strrchr(path, '/');
	file->text = file->own.data;
	file->size = file->own.size;
	file->name = slash ? slash + 1 : path;
	return true;
}

// Whether the literal is the text, and its lines those of the script.
static bool is_text(const struct ebs_literal *literal, const char *text, size_t size,
		    struct ebs_buffer *decoded)
{
	if (literal->end - literal->text <
	    (ptrdiff_t)size) // no escape is shorter than what it means
		return false;
	ebs_buffer_clear(decoded);
	bool straight = ebs_literal_decode(literal, decoded);
	return straight && decoded->size == size && memcmp(decoded->data, text, size) == 0;
}

// How likely it is that a string is the one, as equal ones may stand in several places.
enum rank {
	NOWHERE,
	SOMEWHERE,
	BEFORE,   // in front of the call and in no brackets: put into a variable, perhaps; the last
		  // one counts
	ARGUMENT, // of this very call
};

static enum rank rank_of(const struct ebs_literals *scan, const struct ebs_literal *literal,
			 int call_line)
{
	if (ebs_literals_inside(scan, call_line))
		return ARGUMENT;
	return literal->line <= call_line && !scan->depth ? BEFORE : SOMEWHERE;
}

static enum rank find_place(const struct file *file, int call_line, const char *text, size_t size,
			    struct ebs_literal *place)
{
	struct ebs_literals scan = { .next = file->text,
				     .end = file->text + file->size,
				     .line_start = file->text,
				     .line = 1 };
	struct ebs_buffer decoded = { 0 };
	struct ebs_literal literal;
	enum rank best = NOWHERE;

	while (best < ARGUMENT && ebs_literals_next(&scan, &literal)) {
		enum rank rank = is_text(&literal, text, size, &decoded)
					 ? rank_of(&scan, &literal, call_line)
					 : NOWHERE;

		if (rank <= best && (rank != BEFORE || best != BEFORE))
			continue;
		best = rank;
		*place = literal;
	}
	ebs_buffer_free(&decoded);
	return best;
}

static void take_name(struct ebs_source *source, const lua_Debug *function, const struct file *file)
{
	free(source->name);
	source->name = strdup(file->name);
	free(source->directory);
	source->directory = file->own.data ? ebs_path_directory(function->source + 1) : NULL;
}

// The best place that the functions on the stack offer, the innermost function first.
static bool look(lua_State *L, struct ebs_source *source, const char *text, size_t size)
{
	const struct ebs_state *state = ebs_state(L);
	enum rank best = NOWHERE;
	lua_Debug function;

	for (int level = 1; best < ARGUMENT && level < DEEPEST && lua_getstack(L, level, &function);
	     level++) {
		struct file file;
		struct ebs_literal place = { 0 };

		lua_getinfo(L, "Sl", &function);
		if (function.currentline < 1 || !open_file(state, &function, &file))
			continue;
		enum rank rank = find_place(&file, function.currentline, text, size, &place);
		if (rank > best) {
			best = rank;
			ebs_buffer_clear(&source->text);
			ebs_source_pad(&source->text, &place, 1);
			take_name(source, &function, &file);
		}
		ebs_buffer_free(&file.own);
	}
	if (best != NOWHERE)
		ebs_buffer_append(&source->text, text, size);
	return best != NOWHERE;
}

// The innermost function in whose file all parts of the text stand.
static bool look_for_parts(lua_State *L, struct ebs_source *source, const char *text, size_t size)
{
	lua_Debug function;
	bool found = false;

	for (int level = 1; !found && level < DEEPEST && lua_getstack(L, level, &function);
	     level++) {
		struct file file;

		lua_getinfo(L, "S", &function);
		if (*function.what == 'C' || !open_file(ebs_state(L), &function, &file))
			continue;
		found = ebs_source_join(file.text, file.size, text, size, &source->text);
		if (found)
			take_name(source, &function, &file);
		ebs_buffer_free(&file.own);
	}
	return found;
}

// Names the innermost function's line when the C doesn't stand in the script as it is.
static void name_call(lua_State *L, struct ebs_source *source)
{
	const struct ebs_state *state = ebs_state(L);
	lua_Debug function;
	int line = -1;
	struct file file = { .name = state->name };

	for (int level = 1; line < 1 && lua_getstack(L, level, &function); level++) {
		lua_getinfo(L, "Sl", &function);
		line = function.currentline;
		if (line >= 1 && !open_file(state, &function, &file))
			file.name = state->name;
	}
	int size = line < 1 ? asprintf(&source->name, "%s (source of bpf.load)", file.name)
			    : asprintf(&source->name, "%s (source of bpf.load at line %d)",
				       file.name, line);
	if (size < 0)
		source->name = NULL;
	ebs_buffer_free(&file.own);
}

void ebs_source_take_text(lua_State *L, struct ebs_source *source, const char *text, size_t size)
{
	if (look(L, source, text, size) || look_for_parts(L, source, text, size))
		return;
	name_call(L, source);
	ebs_buffer_append(&source->text, text, size);
}
