// SPDX-License-Identifier: GPL-2.0-only
// os.execute() and io.popen(), which a signal ends.
//
// C's system() and pclose() wait for a command whatever comes. Here SIGINT and SIGTERM end the
// script as everywhere, and the command that it waits for gets a SIGTERM.
#include "script/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/environment.h"
#include "script/state.h"

#define SHELL "/bin/sh"

// What io.popen() returns: to Lua's library a file of its own.
struct command_file {
	luaL_Stream stream; // must be the first
	pid_t pid;
};

// Starts `command`; `fd` of the script's takes the place of its descriptor `end`, -1: none does.
// Returns 0 or an errno.
static int start(const char *command, int fd, int end, pid_t *pid)
{
	char *const arguments[] = { "sh", "-c", (char *)command, NULL };
	posix_spawn_file_actions_t actions;
	int result = posix_spawn_file_actions_init(&actions);

	if (result)
		return result;
	if (fd >= 0)
		result = posix_spawn_file_actions_adddup2(&actions, fd, end);
	if (!result)
		result = posix_spawn(pid, SHELL, &actions, NULL, arguments,
				     ebs_environment_for_child());
	posix_spawn_file_actions_destroy(&actions);
	return result;
}

// Waits for the command. Returns its status as waitpid() gives it, or -1. Raises when the script is
// to end: the command is, too.
static int wait_for(lua_State *L, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
		if (!ebs_interrupt_is_due())
			continue;
		kill(pid, SIGTERM);
		ebs_interrupt_raise(L);
	}
	errno = 0; // else luaL_execresult() takes it for a failure
	return status;
}

// os.execute([command]). Without one: is there a shell?
static int execute(lua_State *L)
{
	const char *command = luaL_optstring(L, 1, NULL);
	pid_t pid;

	if (!command) {
		lua_pushboolean(L, access(SHELL, X_OK) == 0);
		return 1;
	}
	int number = start(command, -1, -1, &pid);
	if (number) {
		errno = number;
		return luaL_fileresult(L, 0, NULL);
	}
	return luaL_execresult(L, wait_for(L, pid));
}

static int close_command(lua_State *L)
{
	struct command_file *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);

	fclose(file->stream.f);
	return luaL_execresult(L, wait_for(L, file->pid));
}

static int fail_popen(lua_State *L, int number, const char *command)
{
	errno = number;
	return luaL_fileresult(L, 0, command);
}

// io.popen(command [, mode])
static int open_command(lua_State *L)
{
	const char *command = luaL_checkstring(L, 1);
	const char *mode = luaL_optstring(L, 2, "r");
	int ends[2];

	luaL_argcheck(L, (*mode == 'r' || *mode == 'w') && !mode[1], 2, "invalid mode");
	int reads = *mode == 'r';
	struct command_file *file = lua_newuserdatauv(L, sizeof(*file), 0); // file
	*file = (struct command_file){ 0 };                                 // closed
	luaL_setmetatable(L, LUA_FILEHANDLE);
	if (pipe2(ends, O_CLOEXEC))
		return fail_popen(L, errno, command);
	file->stream.f = fdopen(ends[!reads], mode);
	int number = file->stream.f ? start(command, ends[reads], reads, &file->pid) : ENOMEM;
	close(ends[reads]);
	if (!number) {
		file->stream.closef = close_command;
		return 1;
	}
	if (file->stream.f)
		fclose(file->stream.f);
	else
		close(ends[!reads]);
	return fail_popen(L, number, command);
}

void ebs_open_commands(lua_State *L)
{
	lua_getglobal(L, "os"); // os
	lua_pushcfunction(L, execute);
	lua_setfield(L, -2, "execute");
	lua_getglobal(L, "io"); // os io
	lua_pushcfunction(L, open_command);
	lua_setfield(L, -2, "popen");
	lua_pop(L, 2); // -
}
