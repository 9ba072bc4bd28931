// SPDX-License-Identifier: GPL-2.0-only
// One Lua state for one script.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/path.h"
#include "base/trust.h"
#include "compile/cache.h"
#include "compile/compile.h"
#include "kernel/at_end.h"
#include "kernel/log.h"
#include "kernel/object.h"
#include "kernel/refusal.h"
#include "script/bpf.h"
#include "script/commands.h"
#include "script/modules.h"
#include "script/object.h"
#include "script/open_files.h"
#include "script/printk.h"
#include "script/script.h"
#include "script/standard_output.h"

// What is to be run.
struct script_file {
	struct ebs_buffer text;
	char *path;      // NULL for standard input and -e
	char *directory; // the folder that the file itself is in, links followed; or NULL
};

static int count(const luaL_Reg *functions)
{
	int number = 0;

	while (functions[number].name)
		number++;
	return number;
}

void ebs_new_class(lua_State *L, const char *class_name, const luaL_Reg *methods,
		   const luaL_Reg *metamethods)
{
	luaL_newmetatable(L, class_name);      // metatable
	lua_createtable(L, 0, count(methods)); // metatable methods
	luaL_setfuncs(L, methods, 0);
	lua_pushvalue(L, -1);             // metatable methods methods
	lua_setfield(L, -3, "__index");   // metatable methods
	lua_insert(L, -2);                // methods metatable
	lua_pushvalue(L, -2);             // methods metatable methods
	luaL_setfuncs(L, metamethods, 1); // methods metatable
	lua_pop(L, 1);                    // methods
	// Where a method was called without its name being seen, as by pcall(map.set, ...), messages
	// look the function up among the modules.
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE); // methods loaded
	lua_insert(L, -2);                                        // loaded methods
	lua_setfield(L, -2, class_name);                          // loaded
	lua_pop(L, 1);                                            // -
}

static void push_arguments(lua_State *L, const struct ebs_script_options *options)
{
	lua_createtable(L, options->argument_count, 2); // arg
	lua_pushstring(L, options->program);
	lua_rawseti(L, -2, -1);
	lua_pushstring(L, options->script ? options->script : "-e");
	lua_rawseti(L, -2, 0);
	for (int i = 0; i < options->argument_count; i++) {
		lua_pushstring(L, options->arguments[i]);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setglobal(L, "arg"); // -
}

static int prepare_state(lua_State *L)
{
	const struct ebs_script_options *options = lua_touserdata(L, 1);

	lua_gc(L, LUA_GCSTOP); // nothing of what is made here is garbage
	ebs_modules_ignore_environment(L);
	luaL_openlibs(L);
	ebs_open_commands(L);
	ebs_open_standard_output(L);
	ebs_open_interruptible(L);
	ebs_open_files(L);
	ebs_modules_open(L);
	push_arguments(L, options);
	luaL_requiref(L, "bpf", ebs_open_bpf, false); // bpf
	lua_gc(L, LUA_GCRESTART);
	return 0;
}

// Whether the "]]" at `end` closes two brackets of the C in its line, as that of `a[b[i]]` does.
static bool ends_early(const char *text, const char *end)
{
	const char *newline = memrchr(text, '\n', end - text);
	int open = 0;

	for (const char *c = newline ? newline : text; c < end; c++)
		open += (*c == '[') - (*c == ']');
	return open >= 2;
}

// The number of the first line in which a string in [[ ]] ends in the middle of C, or 0.
static int find_early_end(const char *text)
{
	const char *start = text;

	while ((start = strstr(start, "[["))) {
		const char *end = strstr(start + 2, "]]");
		int line = 1;

		if (!end)
			return 0;
		if (ends_early(start + 2, end)) {
			for (const char *c = text; c < end; c++)
				line += *c == '\n';
			return line;
		}
		start = end + 2;
	}
	return 0;
}

// C in [[ ]] ends at its first "]]". What Lua says of what follows, some lines on, doesn't tell
// why.
static void note_early_end(lua_State *L, const char *name, const char *text)
{
	int line = find_early_end(text);

	if (!line)
		return;
	lua_pushfstring(
		L,
		"%s\n%s:%d: note: the \"]]\" in this line ends the string: write [=[ and ]=] "
		"around C that has \"]]\" in it",
		lua_tostring(L, -1), name, line); // message note
	lua_remove(L, -2);                        // note
}

// The script's text, loaded and called with its arguments.
int ebs_run_text(lua_State *L)
{
	const struct ebs_script_options *options = lua_touserdata(L, 1);
	const struct ebs_state *state = ebs_state(L);
	const char *text = state->text;
	size_t size = state->text_size;

	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { // a byte order mark, as lua does
		text += 3;
		size -= 3;
	}
	if (size && *text == '#') { // the line for execve(2); its end stays, so that lines keep
				    // their numbers
		size_t length = strcspn(text, "\n");
		text += length;
		size -= length;
	}
	lua_pushfstring(L, "%s%s", options->script && state->path ? "@" : "=", state->name); // name
	if (luaL_loadbufferx(L, size ? text : "", size, lua_tostring(L, -1), "t")) {
		note_early_end(L, state->name, text);
		return lua_error(L); // a message with the position in it
	}
	luaL_checkstack(L, options->argument_count, "too many arguments");
	for (int i = 0; i < options->argument_count; i++)
		lua_pushstring(L, options->arguments[i]);
	lua_call(L, options->argument_count, 0);
	return 0;
}

// The shipped script of this name, with or without its ".lua"; owned by the caller, NULL when there
// is none.
static char *find_shipped(const char *name)
{
	static const char *const suffixes[] = { "", ".lua" };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char *relative = NULL;
		if (asprintf(&relative, "scripts/%s%s", name, suffixes[i]) < 0)
			return NULL;
		char *path = ebs_path_share(relative);
		free(relative);
		if (path)
			return path;
	}
	return NULL;
}

// Whom a file that stands here, with a bare name, is taken from: whoever owns the folder, too.
static int trust_here(const char *name, enum ebs_trust how, struct ebs_error *error)
{
	struct stat here;

	if (how == EBS_TRUST_NAMED && !stat(".", &here))
		ebs_trust_script(&here);
	return ebs_trust_path(name, how, error);
}

// A path, else the name of a shipped script, in `path`; owned by the caller. A bare name means a
// file that stands here, unless that may be somebody's trap for who wants the shipped one. Returns
// 0 or -errno; -ECANCELED has been told.
static int find_script(const char *name, char **path)
{
	char *shipped = strchr(name, '/') ? NULL : find_shipped(name);
	struct ebs_error error = { 0 };
	int result = 0;

	if (!strchr(name, '/') && !access(name, F_OK))
		result = trust_here(name, shipped ? EBS_TRUST_FOUND : EBS_TRUST_NAMED, &error);
	if (result == -EPERM && shipped)
		fprintf(stderr,
			"ebscript: running the \"%s\" that ebscript comes with, not the one in "
			"this "
			"folder: %s\n",
			name, ebs_error_text(&error));
	else if (result == -EPERM)
		fprintf(stderr,
			"ebscript: the script \"%s\" in this folder is not run: %s; a path, as in "
			"./%s, runs it all the same\n",
			name, ebs_error_text(&error), name);
	if (shipped && (result || access(name, F_OK))) {
		*path = shipped;
		result = 0;
	} else {
		free(shipped);
		*path = strdup(name);
	}
	ebs_error_clear(&error);
	return result == -EPERM ? -ECANCELED : *path ? 0 : -ENOMEM;
}

// The folder that the file itself is in; owned by the caller, NULL out of memory.
static char *real_directory(const char *path)
{
	char *file = realpath(path, NULL);
	char *directory = ebs_path_directory(file ? file : path);

	free(file);
	return directory;
}

// Whoever may write the script is trusted from now on.
static int read_file(struct script_file *file)
{
	struct stat status;
	int fd = open(file->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &status))
		ebs_trust_script(&status);
	int result = ebs_buffer_read_fd(&file->text, fd);
	close(fd);
	file->directory = result ? NULL : real_directory(file->path);
	return result || file->directory ? result : -ENOMEM;
}

static int read_script(const struct ebs_script_options *options, struct script_file *file)
{
	if (options->chunk) {
		ebs_buffer_append_string(&file->text, options->chunk);
		return file->text.failed ? -ENOMEM : 0;
	}
	if (strcmp(options->script, "-") == 0)
		return ebs_buffer_read_fd(&file->text, STDIN_FILENO);
	int result = find_script(options->script, &file->path);

	return result ? result : read_file(file);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int before_sleep(void *context)
{
	struct ebs_state *state = context;
	int result = ebs_handlers_look(state);

	for (struct script_object *object = state->objects; object; object = object->next)
		ebs_tell_losses(object);
	fflush(stdout);
	return state->output_failed ? -EIO : result;
}

static int to_text(lua_State *L)
{
	luaL_tolstring(L, 1, NULL);
	return 1;
}

// Whether the text starts with the script's name, as the compiler's messages do, in colour on a
// terminal.
static bool is_named(const char *text, const char *name)
{
	size_t length = strlen(name);

	while (*text == '\033') {
		text += strcspn(text, "m");
		text += *text == 'm';
	}
	return strncmp(text, name, length) == 0 &&
	       (text[length] == ':' || strncmp(text + length, " (", 2) == 0);
}

// Tells the error on the top of the stack. Its text starts with the script's name, once.
static void tell_error(lua_State *L, const struct ebs_state *state)
{
	lua_pushcfunction(L, to_text);          // error function
	lua_insert(L, -2);                      // function error
	bool has_text = !lua_pcall(L, 1, 1, 0); // an error object's __tostring may fail itself
	const char *message = has_text ? lua_tostring(L, -1) : "(an error that can't be told)";

	if (state->cut && state->output_failed)
		return; // that is told at the very end
	if (state->cut || (state->interrupted && strstr(message, strerror(EINTR))))
		fprintf(stderr, "ebscript: %s: interrupted\n", state->name);
	else if (is_named(message, state->name))
		fprintf(stderr, "ebscript: %s\n", message);
	else
		fprintf(stderr, "ebscript: %s: %s\n", state->name, message);
}

static int call(lua_State *L, lua_CFunction function, const struct ebs_script_options *options)
{
	lua_pushcfunction(L, ebs_message_handler);
	lua_pushcfunction(L, function);
	lua_pushlightuserdata(L, (void *)options);
	return lua_pcall(L, 1, 0, 1);
}

static int run(struct ebs_state *state, const struct ebs_script_options *options)
{
	struct ebs_error error = { 0 };
	int status = 1;
	if (options->printk && ebs_printk_begin(state, &error)) {
		fprintf(stderr, "ebscript: --printk: %s\n", ebs_error_text(&error));
		ebs_error_clear(&error);
		return 1;
	}
	lua_State *L = luaL_newstate();
	if (!L) {
		fputs("ebscript: not enough memory\n", stderr);
		return 1;
	}
	state->L = L;
	state->thread = L;
	*(struct ebs_state **)lua_getextraspace(L) = state;
	ebs_interrupt_init(state);
	ebs_loop_catch_signals(state->loop, ebs_interrupt);
	ebs_loop_before_sleep(state->loop, before_sleep, state);
	bool done = !call(L, prepare_state, options) && !call(L, ebs_run_text, options);
	if (done && !state->cut) {
		status = 0;
		ebs_tell_unattached(state);
	} else if (state->finished)
		status = 0;
	else
		tell_error(L, state);
	lua_sethook(L, NULL, 0, 0);
	for (struct script_object *object = state->objects; object; object = object->next)
		ebs_tell_total_losses(object);
	fflush(stdout);
	state->closing = true;
	ebs_interrupt_close();
	lua_close(L);
	ebs_interrupt_init(NULL);
	ebs_views_free(&state->views);
	ebs_buffer_free(&state->view_copy);
	ebs_timer_free(state->losses_due);
	ebs_printk_end(state);
	ebs_error_clear(&state->unattached);
	ebs_timer_free(state->gone_look);
	ebs_cache_close(state->cache);
	ebs_error_clear(&state->cache_refusal);
	if (options->stats)
		ebs_stats_print(&state->stats, state->name);
	// Standard output that can't be written (a full disk) is a failure of the script.
	return ebs_standard_output_finish(state) ? 1 : status;
}

int ebs_script_run(const struct ebs_script_options *options)
{
	struct ebs_error error = { 0 };
	struct script_file file = { 0 };
	int status = 1;
	int result = read_script(options, &file);

	if (result && result != -ECANCELED) {
		fprintf(stderr, "ebscript: can't read the script \"%s\": %s\n", options->script,
			strerror(-result));
	} else if (!result) {
		struct ebs_state state = {
			.name = file.path        ? base_name(file.path)
				: options->chunk ? "(command line)"
						 : "(standard input)",
			.path = file.path,
			.directory = file.directory,
			.text = file.text.data ? file.text.data : "",
			.text_size = file.text.size,
			.options = options,
			.json = options->json,
			.colour = isatty(STDERR_FILENO),
			.loop = ebs_loop_new(&error),
		};

		ebs_standard_output_init(&state);
		ebs_stats_start(&state.stats);
		ebs_log_init(options->verbose);
		ebs_at_end_init();
		ebs_refusal_log_init(options->verifier_log);
		ebs_refusal_colour(state.colour);
		if (state.loop)
			status = run(&state, options);
		else
			fprintf(stderr, "ebscript: %s\n", ebs_error_text(&error));
		ebs_compile_reap();
		ebs_loop_free(state.loop);
		ebs_error_clear(&error);
	}
	ebs_buffer_free(&file.text);
	free(file.path);
	free(file.directory);
	return status;
}

void ebs_script_print_versions(void)
{
	struct ebs_error error = { 0 };
	char *compiler = ebs_compile_version(&error);

	printf("compiler: %s\n", compiler ? compiler : ebs_error_text(&error));
	printf("libbpf %s\n", ebs_object_library_version());
	printf("libuv %s\n", ebs_loop_library_version());
	printf("%s\n", LUA_RELEASE);
	free(compiler);
	ebs_error_clear(&error);
}

int ebs_script_clear_cache(const char *cache_dir)
{
	struct ebs_error error = { 0 };
	struct ebs_cache *cache = ebs_cache_open(cache_dir, &error);

	if (cache && !ebs_cache_trim(cache, 0, &error))
		printf("ebscript: the cache in %s is empty\n", ebs_cache_path(cache));
	else
		fprintf(stderr, "ebscript: the cache can't be cleared: %s\n",
			ebs_error_text(&error));
	int status = ebs_error_is_set(&error) ? 1 : 0;
	ebs_cache_close(cache);
	ebs_error_clear(&error);
	return status;
}
