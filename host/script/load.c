// SPDX-License-Identifier: GPL-2.0-only
// bpf.load(options): from C text to a loaded object.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/output_file.h"
#include "base/path.h"
#include "kernel/refusal.h"
#include "kernel/section_name.h"
#include "base/trust.h"
#include "script/bpf.h"
#include "script/buffer_size.h"
#include "script/build.h"
#include "script/first_of.h"
#include "script/map.h"
#include "script/object.h"
#include "script/script.h"
#include "script/source.h"
#include "script/value.h"

#define CLASS     "bpf.Load"
#define USUAL_CPU "v3"
#define LOWER_CPU "v2" // without 32-bit jumps, whose bounds some verifiers don't follow

// All that one load owns until it is done. Userdata, so that a raise in the middle leaks nothing.
struct load {
	struct ebs_source source;
	struct ebs_build build;
	struct ebs_build lower; // for LOWER_CPU, where the verifier refuses the usual one
};

static void load_release(struct load *load)
{
	ebs_source_free(&load->source);
	ebs_build_free(&load->build);
	ebs_build_free(&load->lower);
}

static int load_gc(lua_State *L)
{
	load_release(luaL_checkudata(L, 1, CLASS));
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

// Reads FOLDER/FILE into the source. -ENOENT also without a folder, -EPERM where somebody else may
// have written it.
static int read_file(struct ebs_source *source, const char *folder, const char *file,
		     struct ebs_error *distrust)
{
	enum ebs_trust how = folder && *folder ? EBS_TRUST_FOUND : EBS_TRUST_NAMED;
	char *path = NULL;
	if (!folder)
		return -ENOENT;
	if (asprintf(&path, "%s%s%s", folder, *folder ? "/" : "", file) < 0)
		return -ENOMEM;
	int result = ebs_trust_path(path, how, distrust);

	if (!result)
		result = ebs_buffer_read_file(&source->text, path);

	if (!result) {
		source->name = path;
		source->directory = ebs_path_directory(path);
	} else {
		free(path);
	}
	return result;
}

// A C file: a path from the root, else one beside the script, else one among the templates.
static int take_file(struct ebs_state *state, struct ebs_source *source, const char *file,
		     struct ebs_error *error)
{
	const char *beside = state->directory;
	char *templates = ebs_path_share("bpf-templates");
	struct ebs_error distrust = { 0 };
	int result = read_file(source, *file == '/' ? "" : beside, file, &distrust);

	if (result && *file != '/')
		result = read_file(source, templates, file, &distrust);
	if (!result && ebs_error_is_set(&distrust))
		fprintf(stderr,
			"ebscript: %s: the C file \"%s\" beside the script is not read: %s\n",
			state->name, file, ebs_error_text(&distrust));
	else if (ebs_error_is_set(&distrust))
		ebs_error_explain(error, EPERM, "the C file \"%s\" is not read: %s", file,
				  ebs_error_text(&distrust));
	else if (result == -ENOENT && beside && *file != '/')
		ebs_error_explain(error, result,
				  "there is no C file \"%s\" beside the script (in %s), nor in %s",
				  file, beside, templates);
	else if (result == -ENOENT)
		ebs_error_explain(error, result, "there is no C file \"%s\"", file);
	else if (result)
		ebs_error_errno(error, result, "can't read the C file \"%s\"", file);
	ebs_error_clear(&distrust);
	free(templates);
	return result;
}

// { NAME = "text" | number | true }: what -D of the compiler takes.
static void take_defines(lua_State *L, int index, struct ebs_source *source)
{
	size_t count = 0;

	luaL_checktype(L, index, LUA_TTABLE);
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
		count++;
	source->defines = calloc(count + 1, sizeof(*source->defines));
	if (!source->defines)
		luaL_error(L, "not enough memory");
	count = 0;
	lua_pushnil(L);              // name
	while (lua_next(L, index)) { // name value
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
			luaL_argerror(L, 1,
				      lua_pushfstring(
					      L, "defines: %s must be a string, an integer or true",
					      name));
		if (asprintf(&source->defines[count], "%s=%s", name, value) < 0) {
			source->defines[count] = NULL;
			luaL_error(L, "not enough memory");
		}
		count++;
		lua_pop(L, 1); // name
	}
}

// A folder of the option `include`, by a path from the root: relative ones count from `base`, the
// script's own folder. NULL with `error` filled.
static char *find_folder(const char *folder, const char *base, struct ebs_error *error)
{
	struct stat status;
	char *path = NULL;
	bool relative = *folder != '/' && base;

	if (asprintf(&path, "%s%s%s", relative ? base : "", relative ? "/" : "", folder) < 0) {
		ebs_error_errno(error, ENOMEM, "include");
		return NULL;
	}
	if (stat(path, &status))
		ebs_error_errno(error, errno, "include: can't use the folder \"%s\"", path);
	else if (!S_ISDIR(status.st_mode))
		ebs_error_explain(error, ENOTDIR, "include: \"%s\" is no folder", path);
	else
		return path;
	free(path);
	return NULL;
}

// { "folder", ... }
static int take_include(lua_State *L, int options, struct ebs_source *source, const char *base,
			struct ebs_error *error)
{
	int type = lua_getfield(L, options, "include"); // list
	size_t count = type == LUA_TTABLE ? lua_rawlen(L, -1) : 0;

	if (type != LUA_TNIL && type != LUA_TTABLE)
		luaL_argerror(L, 1, "option 'include' must be a table of folders");
	source->include = calloc(count + 1, sizeof(*source->include));
	if (!source->include)
		luaL_error(L, "not enough memory");
	for (size_t i = 0; i < count; i++) {
		if (lua_rawgeti(L, -1, i + 1) != LUA_TSTRING || !*lua_tostring(L, -1)) // list name
			luaL_argerror(L, 1, "option 'include' must be a table of folders");
		source->include[i] = find_folder(lua_tostring(L, -1), base, error);
		if (!source->include[i])
			return -ENOENT;
		lua_pop(L, 1); // list
	}
	lua_pop(L, 1); // -
	return 0;
}

// The level of instructions, which older kernels' verifiers may need.
static const char *take_cpu(lua_State *L, int options)
{
	static const char *const levels[] = { "v1", "v2", "v3", "v4" };
	const char *cpu = ebs_text_option(L, 1, options, "cpu", NULL);

	for (size_t i = 0; cpu && i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(cpu, levels[i]) == 0)
			return levels[i];
	if (cpu)
		luaL_argerror(L, 1, lua_pushfstring(L, "cpu: '%s' must be v1, v2, v3 or v4", cpu));
	return NULL;
}

static int set_constants(lua_State *L, int index, struct ebs_object *handle,
			 struct ebs_error *error)
{
	int result = 0;

	lua_pushnil(L);                         // name
	while (!result && lua_next(L, index)) { // name value
		struct ebs_constant constant;
		const char *name = lua_tostring(L, -2);
		char what[160];

		snprintf(what, sizeof(what), "constant %s", name);
		result = ebs_object_constant(handle, name, &constant, error);
		if (!result)
			result = ebs_read_value(L, -1, ebs_object_types(handle), constant.layout,
						constant.data, what, error);
		lua_pop(L, result ? 2 : 1); // name
	}
	return result;
}

static int set_max_entries(lua_State *L, int index, struct ebs_object *handle,
			   struct ebs_error *error)
{
	int result = 0;

	lua_pushnil(L);                         // map
	while (!result && lua_next(L, index)) { // map number
		const char *map = lua_tostring(L, -2);
		lua_Integer number = lua_tointeger(L, -1);

		if (!lua_isinteger(L, -1) || number < 1 || number > UINT32_MAX)
			result = ebs_error_set(
				error, "EINVAL",
				"max_entries: the number for map \"%s\" must be from 1 to %u", map,
				UINT32_MAX);
		else
			result = ebs_object_set_max_entries(handle, map, (uint32_t)number, error);
		lua_pop(L, result ? 2 : 1); // map
	}
	return result;
}

// { name = map }: each value must be an open map, also by the time when the compiler is done.
static void check_maps(lua_State *L, int index)
{
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) { // name map
		struct script_map *map = luaL_testudata(L, -1, EBS_MAP_CLASS);

		if (!map)
			luaL_argerror(L, 1,
				      lua_pushfstring(L, "maps: '%s' must be a map, not a %s",
						      lua_tostring(L, -2), luaL_typename(L, -1)));
		if (!ebs_map_is_open(map))
			luaL_argerror(L, 1,
				      lua_pushfstring(L, "maps: the map for '%s' is closed",
						      lua_tostring(L, -2)));
	}
}

static int use_maps(lua_State *L, int index, struct ebs_object *handle, struct ebs_error *error)
{
	int result = 0;

	check_maps(L, index);
	lua_pushnil(L);                         // name
	while (!result && lua_next(L, index)) { // name map
		struct script_map *map = lua_touserdata(L, -1);

		result = ebs_object_use_map(handle, lua_tostring(L, -2), map->map, error);
		lua_pop(L, result ? 2 : 1); // name
	}
	return result;
}

// The table in option `name`, pushed; its keys are all strings. Pushes an empty one when it isn't
// given.
static void push_table_option(lua_State *L, int options, const char *name)
{
	if (lua_getfield(L, options, name) == LUA_TNIL) { // nil
		lua_pop(L, 1);
		lua_newtable(L); // table
		return;
	}
	if (!lua_istable(L, -1))
		luaL_argerror(L, 1, lua_pushfstring(L, "option '%s' must be a table", name));
	for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
		if (lua_type(L, -2) != LUA_TSTRING)
			luaL_argerror(
				L, 1,
				lua_pushfstring(L, "option '%s': the keys must be names", name));
}

static void check_sections(lua_State *L, int index)
{
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
		if (lua_type(L, -1) != LUA_TSTRING)
			luaL_argerror(L, 1,
				      lua_pushfstring(L, "sections: that of %s must be a string",
						      lua_tostring(L, -2)));
}

// { program = "xdp" }: kinds that the C doesn't say.
static int set_sections(lua_State *L, int options, struct ebs_object *handle,
			struct ebs_error *error)
{
	int result = 0;

	push_table_option(L, options, "sections"); // sections
	int index = lua_gettop(L);
	lua_pushnil(L);                         // sections name
	while (!result && lua_next(L, index)) { // sections name section
		const char *name = lua_tostring(L, -2);
		struct ebs_program *program = ebs_object_program(handle, name);

		if (program)
			result = ebs_program_set_section(program, lua_tostring(L, -1), error);
		else
			result = ebs_error_set(error, "EINVAL",
					       "sections: there is no program \"%s\" in this C",
					       name);
		lua_pop(L, 1); // sections name
	}
	lua_settop(L, index - 1); // -
	return result;
}

// "pktcount" of "/usr/share/ebscript/scripts/pktcount.lua": what the kernel shows the object's maps
// by.
static void short_name(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *space = strchr(name, ' '); // what follows tells where in the script
	size_t length = strcspn(name, ".");

	if (*name != '(' && space && (size_t)(space - name) < length)
		length = space - name;
	snprintf(out, size, "%.*s", (int)length, name);
	if (!*out)
		snprintf(out, size, "ebscript");
}

// The object's file with the script's constants, the table at `constants`, in it. It needs neither
// privileges nor the kernel's types.
static int write_object(lua_State *L, int constants, const struct load *load,
			struct script_object *object, struct ebs_buffer *elf,
			struct ebs_error *error)
{
	const char *data = load->build.entry.parts[EBS_CACHE_OBJECT].data;
	size_t size = load->build.entry.parts[EBS_CACHE_OBJECT].size;
	char name[32];

	lua_pushnil(L);                // nil
	if (!lua_next(L, constants)) { // -
		ebs_buffer_append(elf, data, size);
		return elf->failed ? ebs_error_errno(error, ENOMEM, "can't write the object") : 0;
	}
	lua_pop(L, 2); // -
	short_name(load->source.name, name, sizeof(name));
	object->handle = ebs_object_open(data, size, name, NULL, error);
	int result = object->handle ? set_constants(L, constants, object->handle, error) : -EINVAL;
	return result ? result : ebs_object_write_constants(object->handle, elf, error);
}

// --emit: the object's bytes to a file; the C was written already. Ends the script, or returns
// -errno with `error` filled.
static int emit(lua_State *L, int constants, const struct load *load, struct script_object *object,
		struct ebs_error *error)
{
	const char *path = object->state->options->emit_object;
	struct ebs_output_file file;
	struct ebs_buffer elf = { 0 };

	if (!path)
		return ebs_finish(L);
	int result = write_object(L, constants, load, object, &elf, error);
	if (!result)
		result = ebs_output_file_open(&file, path, error);
	if (result) {
		ebs_buffer_free(&elf);
		return result;
	}
	result = ebs_write_all(file.fd, elf.data, elf.size);
	ebs_buffer_free(&elf);
	if (result)
		ebs_output_file_discard(&file);
	else
		result = ebs_output_file_finish(&file);
	if (result)
		return ebs_error_errno(error, result, "can't write to %s", path);
	return ebs_finish(L);
}

// Reads the options table at `options`, and starts the build. Pushes the load, whose user value is
// the options table: what the build looks at stands in there. Returns 0, or -errno with `error`
// filled.
static int start_load(lua_State *L, int options, struct ebs_error *error)
{
	static const char *const names[] = {
		"source",      "file",          "constants", "defines", "max_entries",
		"buffer_size", "pin_root_path", "first_of",  "maps",    "sections",
		"include",     "cpu",           NULL
	};
	struct ebs_state *state = ebs_state(L);
	size_t size = 0;

	ebs_check_option_names(L, options, names);
	struct load *load = lua_newuserdatauv(L, sizeof(*load), 1); // load
	memset(load, 0, sizeof(*load));
	ebs_build_init(&load->build);
	ebs_build_init(&load->lower);
	luaL_setmetatable(L, CLASS);
	lua_pushvalue(L, options);   // load options
	lua_setiuservalue(L, -2, 1); // load

	const char *source = ebs_text_option(L, 1, options, "source", &size);
	const char *file = ebs_text_option(L, 1, options, "file", NULL);
	ebs_text_option(L, 1, options, "pin_root_path", NULL);
	luaL_argcheck(L, !source != !file, 1, "give either 'source' or 'file'");
	lua_getfield(L, options, "first_of"); // load list
	ebs_check_first_of(L, -1);
	lua_pop(L, 1); // load
	ebs_check_buffer_size(L, options);
	push_table_option(L, options, "constants");
	push_table_option(L, options, "max_entries");
	push_table_option(L, options, "defines"); // load constants max_entries defines
	take_defines(L, lua_gettop(L), &load->source);
	push_table_option(L, options, "maps"); // load constants max_entries defines maps
	check_maps(L, lua_gettop(L));
	push_table_option(L, options,
			  "sections"); // load constants max_entries defines maps sections
	check_sections(L, lua_gettop(L));
	lua_pop(L, 5); // load
	load->source.cpu = take_cpu(L, options);
	int result = 0;
	if (source) {
		ebs_source_take_text(L, &load->source, source, size);
		if (!load->source.directory && state->directory)
			load->source.directory = strdup(state->directory);
	} else {
		result = take_file(state, &load->source, file, error);
	}
	if (!result)
		result = take_include(L, options, &load->source,
				      source ? load->source.directory : state->directory, error);
	if (result)
		return result;
	if (load->source.text.failed || !load->source.name)
		return luaL_error(L, "not enough memory");
	return ebs_build_start(&load->build, state, &load->source, error);
}

// The tables "constants", "max_entries" and "maps" follow the options on the stack.
static int open_and_load(lua_State *L, int options, struct load *load, struct ebs_build *build,
			 struct script_object *object, struct ebs_error *error)
{
	char name[32];

	short_name(load->source.name, name, sizeof(name));
	object->handle = ebs_build_open(build, object->state, name, error);
	int result = object->handle ? 0 : -EINVAL;
	if (!result)
		result = set_sections(L, options, object->handle, error);
	if (!result) {
		lua_getfield(L, options, "first_of"); // list
		result = ebs_choose_first(L, -1, object->handle, error);
		lua_pop(L, 1); // -
	}
	if (!result)
		result = set_constants(L, options + 1, object->handle, error);
	if (!result)
		result = use_maps(L, options + 3, object->handle, error);
	if (!result)
		result = set_max_entries(L, options + 2, object->handle, error);
	const char *folder = ebs_text_option(L, 1, options, "pin_root_path", NULL);
	if (!result && folder)
		result = ebs_object_set_pin_root_path(object->handle, folder, error);
	if (!result)
		result = ebs_set_buffer_size(L, options, object->state, object->handle, error);
	return result ? result : ebs_object_load(object->handle, error);
}

// The same C once more, as LOWER_CPU, which older verifiers may take. True when this one does; else
// what it was refused for first is what counts, and there is no object.
static bool load_lower(lua_State *L, int options, struct load *load, struct script_object *object)
{
	struct ebs_state *state = object->state;
	struct ebs_build *lower = &load->lower;
	struct ebs_error ignored = { 0 };

	ebs_object_free(object->handle);
	object->handle = NULL;
	load->source.cpu = LOWER_CPU;
	lower->quiet = true;
	bool built = !ebs_build_start(lower, state, &load->source, &ignored) &&
		     !ebs_build_finish(lower, &ignored);
	ebs_refusal_log_pause(true);
	bool loaded = built && !ebs_build_equals(lower, &load->build) &&
		      !open_and_load(L, options, load, lower, object, &ignored);
	ebs_refusal_log_pause(false);
	ebs_error_clear(&ignored);
	if (loaded && state->options->verbose)
		fprintf(stderr,
			"ebscript: %s: the verifier refuses the C as \"" USUAL_CPU
			"\" instructions, and takes it as \"" LOWER_CPU "\"\n",
			load->source.name);
	if (loaded)
		ebs_build_replace(lower, state, &load->build);
	return loaded;
}

// Finishes the load at `index`, and pushes the object. Returns 0, or -errno with `error` filled.
static int finish_load(lua_State *L, int index, struct ebs_error *error)
{
	struct ebs_state *state = ebs_state(L);
	struct load *load = lua_touserdata(L, index);
	struct script_object *object = ebs_object_new(L); // object
	int result = ebs_build_finish(&load->build, error);

	if (result)
		return result;
	lua_getiuservalue(L, index, 1); // object options
	int options = lua_gettop(L);
	push_table_option(L, options, "constants");   // object options constants
	push_table_option(L, options, "max_entries"); // object options constants max_entries
	push_table_option(L, options, "maps");        // object options constants max_entries maps
	if (state->options->emit_c || state->options->emit_object)
		return emit(L, options + 1, load, object, error);
	enum ebs_phase phase = ebs_stats_enter(&state->stats, EBS_PHASE_LOAD);
	result = open_and_load(L, options, load, &load->build, object, error);
	if (result && object->handle && ebs_build_distrust(&load->build, state, object->handle)) {
		ebs_error_clear(error);
		ebs_object_free(object->handle);
		result = open_and_load(L, options, load, &load->build, object, error);
	}
	if (result && object->handle && !load->source.cpu && strcmp(error->code, "VERIFY") == 0 &&
	    load_lower(L, options, load, object)) {
		ebs_error_clear(error);
		result = 0;
	}
	ebs_stats_enter(&state->stats, phase);
	object->key = load->build.key;
	load_release(load);
	object->open = !result;
	if (object->open) {
		ebs_weigh(state, &object->weight, ebs_object_weight(object->handle));
		ebs_build_tell_refusal(state);
	}
	lua_settop(L, options - 1); // object
	return result;
}

int ebs_bpf_load(lua_State *L)
{
	struct ebs_error error = { 0 };
	bool tried = false;

	ebs_refuse_at_end(L);
	fflush(stdout); // a compile takes its time: what was printed is to be seen before
	ebs_make_room(L);
	do {
		lua_settop(L, 1); // options
		if (!start_load(L, 1, &error) && !finish_load(L, 2, &error))
			return 1; // options load object
		lua_settop(L, 1); // what has failed is garbage
	} while (ebs_try_again(L, &error, &tried));
	return ebs_fail(L, &error);
}

// Loads all objects of the list at index 1, and leaves the table of them at 2. Returns 0, or -errno
// with `error` filled.
static int load_all(lua_State *L, int count, struct ebs_error *error)
{
	lua_settop(L, 1);
	lua_createtable(L, count, 0); // list objects
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int ahead = cpus < 1 ? 1 : cpus > count ? count : (int)cpus; // compilers that run at once
	for (int i = 1; i <= count + ahead; i++) {
		int result = 0;
		int done = i - ahead;

		if (i <= count) {
			lua_rawgeti(L, 1, i); // list objects loads... options
			luaL_argcheck(L, lua_istable(L, -1), 1,
				      "each element must be a table of options");
			result = start_load(L, lua_gettop(L), error);
		}
		if (result) // list objects loads... options load
			return result;
		if (i <= count)
			lua_remove(L, -2); // list objects loads...
		if (done < 1)
			continue;
		result = finish_load(L, 2 + done, error);
		if (result) // list objects loads... object
			return result;
		lua_rawseti(L, 2, done); // list objects loads...
	}
	lua_settop(L, 2); // list objects
	return 0;
}

// bpf.load_all(list): as many compilers run at once as there are CPUs. The first failure is what
// the script gets.
int ebs_bpf_load_all(lua_State *L)
{
	struct ebs_error error = { 0 };
	bool tried = false;

	ebs_refuse_at_end(L);
	luaL_checktype(L, 1, LUA_TTABLE);
	fflush(stdout);
	int count = (int)lua_rawlen(L, 1);
	luaL_checkstack(L, count + LUA_MINSTACK, "too many objects");
	ebs_make_room(L);
	do {
		if (!load_all(L, count, &error))
			return 1;
		lua_settop(L, 1); // what has failed is garbage
	} while (ebs_try_again(L, &error, &tried));
	return ebs_fail(L, &error);
}
