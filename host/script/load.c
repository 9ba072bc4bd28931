// SPDX-License-Identifier: GPL-2.0-only
// bpf.load(options): from C text to a loaded object.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "compile/compile.h"
#include "script/bpf.h"
#include "script/object.h"
#include "script/value.h"
#include "types/kernel_btf.h"

#define CLASS "bpf.Load"

// All that one load owns until it is done. Userdata, so that a raise in the middle leaks nothing.
struct load {
	struct ebs_buffer source; // as the compiler sees it
	char *name;               // of the C, for messages
	char *directory;          // where its #include "..." looks first
	char **defines;           // up to a NULL
	char *templates;
	char *headers;
	struct ebs_compile_output output;
};

static int load_gc(lua_State *L)
{
	struct load *load = luaL_checkudata(L, 1, CLASS);

	ebs_buffer_free(&load->source);
	ebs_compile_output_free(&load->output);
	for (char **define = load->defines; define && *define; define++)
		free(*define);
	free(load->defines);
	free(load->name);
	free(load->directory);
	free(load->templates);
	free(load->headers);
	*load = (struct load){ 0 };
	return 0;
}

static const luaL_Reg methods[] = {
	{ NULL, NULL },
};

static const luaL_Reg metamethods[] = {
	{ "__gc", load_gc },
	{ NULL, NULL },
};

void ebs_register_load(lua_State *L)
{
	ebs_new_class(L, CLASS, methods, metamethods);
}

static char *script_directory(const struct ebs_state *state)
{
	return state->path ? ebs_path_directory(state->path) : strdup(".");
}

// Blank lines and columns up to where the C stands in the script: so its lines keep their numbers, in messages
// of the compiler and, by the object's line information, in the verifier's. (A #line directive makes clang add
// notes about source that it can't find.)
static void pad(struct ebs_buffer *source, const char *script, const char *position)
{
	const char *line = script;

	for (const char *c = script; c < position; c++) {
		if (*c != '\n')
			continue;
		ebs_buffer_append_char(source, '\n');
		line = c + 1;
	}
	for (; line < position; line++)
		ebs_buffer_append_char(source, *line == '\t' ? '\t' : ' ');
}

static void take_text(struct ebs_state *state, struct load *load, const char *text, size_t size)
{
	const char *found = size ? memmem(state->text, state->text_size, text, size) : NULL;

	if (found)
		pad(&load->source, state->text, found);
	ebs_buffer_append(&load->source, text, size);
	load->name = strdup(state->name);
	load->directory = script_directory(state);
}

// A C file: a path that says where, else beside the script, then among the templates.
static int take_file(struct ebs_state *state, struct load *load, const char *file, struct ebs_error *error)
{
	char *beside = script_directory(state);
	char *paths[2] = { NULL, NULL };
	int result = -ENOENT;

	if (!beside || asprintf(&paths[0], "%s%s%s", *file == '/' ? "" : beside, *file == '/' ? "" : "/", file) < 0 ||
	    asprintf(&paths[1], "%s/%s", load->templates, file) < 0)
		result = -ENOMEM;
	for (int i = 0; i < 2 && result == -ENOENT; i++) {
		result = ebs_buffer_read_file(&load->source, paths[i]);
		if (!result) {
			load->name = strdup(paths[i]);
			load->directory = ebs_path_directory(paths[i]);
		}
	}
	if (result == -ENOENT)
		ebs_error_explain(error, result, "there is no C file \"%s\": neither beside the script (%s) nor in %s", file,
				  beside, load->templates);
	else if (result)
		ebs_error_errno(error, result, "can't read the C file \"%s\"", file);
	free(beside);
	free(paths[0]);
	free(paths[1]);
	return result;
}

// { NAME = "text" | number | true }: what -D of the compiler takes.
static void take_defines(lua_State *L, int index, struct load *load)
{
	size_t count = 0;

	luaL_checktype(L, index, LUA_TTABLE);
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
		count++;
	load->defines = calloc(count + 1, sizeof(*load->defines));
	if (!load->defines)
		luaL_error(L, "not enough memory");
	count = 0;
	lua_pushnil(L);                 // name
	while (lua_next(L, index)) {    // name value
		const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
		const char *value = NULL;

		if (lua_isboolean(L, -1) && lua_toboolean(L, -1))
			value = "1";
		else if (lua_type(L, -1) == LUA_TSTRING || lua_isinteger(L, -1))
			value = lua_tostring(L, -1);
		if (!name || !*name || (*name >= '0' && *name <= '9') ||
		    name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
							  "0123456789_")])
			luaL_argerror(L, 1, "defines: names must be names of C");
		if (!value)
			luaL_argerror(L, 1, lua_pushfstring(L, "defines: %s must be a string, an integer or true", name));
		if (asprintf(&load->defines[count], "%s=%s", name, value) < 0) {
			load->defines[count] = NULL;
			luaL_error(L, "not enough memory");
		}
		count++;
		lua_pop(L, 1); // name
	}
}

static int compile(struct ebs_state *state, struct load *load, struct ebs_error *error)
{
	struct ebs_error no_types = { 0 };
	const char *include_dirs[] = { load->templates, load->headers, NULL };
	struct ebs_compile_input input = {
		.source = load->source.data ? load->source.data : "",
		.size = load->source.size,
		.name = load->name,
		.directory = load->directory,
		.defines = (const char *const *)load->defines,
		.include_dirs = include_dirs,
		.colour = state->colour,
		.verbose = state->verbose,
		.interrupted = &state->interrupted,
	};

	input.kernel_types = ebs_kernel_header(&input.kernel_types_size, &no_types);
	int result = ebs_compile(&input, &load->output, error);
	if (load->output.messages)
		fputs(load->output.messages, stderr);
	if (result && ebs_error_is_set(&no_types) && strstr(ebs_error_text(error), "vmlinux.h")) {
		ebs_error_clear(error);
		*error = no_types;
		return result;
	}
	ebs_error_clear(&no_types);
	return result;
}

static int set_constants(lua_State *L, int index, struct ebs_object *handle, struct ebs_error *error)
{
	int result = 0;

	lua_pushnil(L);                          // name
	while (!result && lua_next(L, index)) { // name value
		struct ebs_constant constant;
		const char *name = lua_tostring(L, -2);
		char what[160];

		snprintf(what, sizeof(what), "constant %s", name);
		result = ebs_object_constant(handle, name, &constant, error);
		if (!result)
			result = ebs_read_value(L, -1, ebs_object_types(handle), constant.layout, constant.data, what,
						error);
		lua_pop(L, result ? 2 : 1); // name
	}
	return result;
}

static int set_max_entries(lua_State *L, int index, struct ebs_object *handle, struct ebs_error *error)
{
	int result = 0;

	lua_pushnil(L);                          // map
	while (!result && lua_next(L, index)) { // map number
		const char *map = lua_tostring(L, -2);
		lua_Integer number = lua_tointeger(L, -1);

		if (!lua_isinteger(L, -1) || number < 1 || number > UINT32_MAX)
			result = ebs_error_set(error, "EINVAL", "max_entries: the number for map \"%s\" must be from 1 to %u",
					       map, UINT32_MAX);
		else
			result = ebs_object_set_max_entries(handle, map, (uint32_t)number, error);
		lua_pop(L, result ? 2 : 1); // map
	}
	return result;
}

// The table in option `name`, pushed; its keys are all strings. Pushes an empty one when it isn't given.
static void push_table_option(lua_State *L, const char *name)
{
	if (lua_getfield(L, 1, name) == LUA_TNIL) { // nil
		lua_pop(L, 1);
		lua_newtable(L); // table
		return;
	}
	if (!lua_istable(L, -1))
		luaL_argerror(L, 1, lua_pushfstring(L, "option '%s' must be a table", name));
	for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
		if (lua_type(L, -2) != LUA_TSTRING)
			luaL_argerror(L, 1, lua_pushfstring(L, "option '%s': the keys must be names", name));
}

// "pktcount" of "/usr/share/ebscript/scripts/pktcount.lua": what the kernel shows the object's maps by.
static void short_name(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	snprintf(out, size, "%.*s", (int)strcspn(name, "."), name);
	if (!*out)
		snprintf(out, size, "ebscript");
}

// The option's text, or NULL when it isn't given.
static const char *text_option(lua_State *L, const char *name, size_t *size)
{
	int type = lua_getfield(L, 1, name); // value

	if (type != LUA_TNIL && type != LUA_TSTRING)
		luaL_argerror(L, 1, lua_pushfstring(L, "option '%s' must be a string", name));
	return lua_tolstring(L, -1, size); // the options table keeps it
}

int ebs_bpf_load(lua_State *L)
{
	static const char *const names[] = { "source", "file", "constants", "defines", "max_entries", NULL };
	enum { OPTIONS = 1, SOURCE, FILE_NAME, DEFINES, CONSTANTS, MAX_ENTRIES, LOAD, OBJECT };
	struct ebs_state *state = ebs_state(L);
	struct ebs_error error = { 0 };
	size_t size = 0;

	lua_settop(L, 1);
	ebs_check_option_names(L, OPTIONS, names);
	const char *source = text_option(L, "source", &size);
	const char *file = text_option(L, "file", NULL);
	luaL_argcheck(L, !source != !file, OPTIONS, "give either 'source' or 'file'");
	push_table_option(L, "defines");
	push_table_option(L, "constants");
	push_table_option(L, "max_entries");

	struct load *load = lua_newuserdatauv(L, sizeof(*load), 0);
	memset(load, 0, sizeof(*load));
	luaL_setmetatable(L, CLASS);
	struct script_object *object = ebs_object_new(L);

	take_defines(L, DEFINES, load);
	load->templates = ebs_path_share("bpf-templates");
	load->headers = ebs_path_share("include");
	if (!load->templates || !load->headers) {
		ebs_error_errno(&error, errno, "the files that ebscript comes with are missing");
		return ebs_fail(L, &error);
	}
	if (source)
		take_text(state, load, source, size);
	else if (take_file(state, load, file, &error))
		return ebs_fail(L, &error);
	if (load->source.failed || !load->name || !load->directory)
		return luaL_error(L, "not enough memory");

	fflush(stdout); // a compile takes its time: what was printed is to be seen before
	if (compile(state, load, &error))
		return ebs_fail(L, &error);

	char name[32];
	short_name(load->name, name, sizeof(name));
	object->handle = ebs_object_open(load->output.object, load->output.object_size, name, &error);
	if (!object->handle || set_constants(L, CONSTANTS, object->handle, &error) ||
	    set_max_entries(L, MAX_ENTRIES, object->handle, &error) || ebs_object_load(object->handle, &error))
		return ebs_fail(L, &error);
	object->open = true;
	lua_settop(L, OBJECT);
	return 1;
}
