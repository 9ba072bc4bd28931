// SPDX-License-Identifier: GPL-2.0-only
// One buffer for all that goes to standard output, in the order in which it was written.
#include "script/standard_output.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "script/state.h"

// Rows, print() and Lua's io library all write to C's stdout, so that they share its buffer.
static char buffer[64 * 1024]; // bytes
static int first_error;        // negative errno

// Goes on when a signal comes: the host's signal handlers interrupt system calls, and stdio would
// drop what it was about to write. Whoever shares the descriptor may have made it non-blocking.
// Returns how much was written: less than `size` is a failure.
static ssize_t write_all(int fd, const char *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t written = write(fd, data + done, size - done);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EAGAIN) {
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
			continue;
		}
		if (written < 0)
			break;
		done += written;
	}
	return done;
}

// A full disk ends the script: there is no sense in rows that go nowhere.
static ssize_t write_output(void *cookie, const char *data, size_t size)
{
	struct ebs_state *state = cookie;
	size_t done = write_all(STDOUT_FILENO, data, size);

	if (done < size && !first_error) {
		first_error = -errno;
		state->output_failed = errno != EPIPE;
		if (state->output_failed)
			ebs_interrupt_now(state);
	}
	return done;
}

// What stands in both streams' file is to stand there in order.
static ssize_t write_notice(void *cookie, const char *data, size_t size)
{
	fflush_unlocked(stdout);
	return write_all(STDERR_FILENO, data, size);
}

void ebs_standard_output_init(struct ebs_state *state)
{
	FILE *output = fopencookie(state, "w", (cookie_io_functions_t){ .write = write_output });
	FILE *notices = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = write_notice });

	if (output)
		stdout = output;
	if (notices)
		stderr = notices;
	setvbuf(stdout, buffer, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, sizeof(buffer));
	setvbuf(stderr, NULL, _IONBF, 0);
}

int ebs_standard_output_finish(void)
{
	int failed = fflush(stdout) || ferror(stdout) ? -EIO : 0;

	return first_error ? first_error : failed;
}

void ebs_standard_output_write(const char *data, size_t size)
{
	fwrite_unlocked(data, 1, size, stdout);
}

// Lua's own print() writes each line at once. Here too, but not while bpf.run() runs: the loop does
// it before it sleeps.
static int print(lua_State *L)
{
	int count = lua_gettop(L);
	size_t size;

	for (int i = 1; i <= count; i++) {
		const char *text = luaL_tolstring(L, i, &size); // text

		if (i > 1)
			putc_unlocked('\t', stdout);
		ebs_standard_output_write(text, size);
		lua_pop(L, 1); // -
	}
	putc_unlocked('\n', stdout);
	if (!ebs_state(L)->running)
		fflush_unlocked(stdout);
	return 0;
}

// Who answers a question must see it, and what a child writes to the same file comes behind what
// was written before. Upvalue 1 is the function of Lua's, called in this one's place, so that it
// finds its arguments and can blame them.
static int flush_and_call(lua_State *L)
{
	fflush_unlocked(stdout);
	if (ebs_state(L)->output_failed)
		return ebs_interrupt_raise(L);
	return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

// Of the table on the top.
static void flush_before(lua_State *L, const char *name)
{
	lua_getfield(L, -1, name);              // table function
	lua_pushcclosure(L, flush_and_call, 1); // table function
	lua_setfield(L, -2, name);              // table
}

void ebs_open_standard_output(lua_State *L)
{
	lua_register(L, "print", print);
	lua_getglobal(L, "os"); // os
	flush_before(L, "execute");
	flush_before(L, "exit");
	lua_getglobal(L, "io"); // os io
	flush_before(L, "popen");
	flush_before(L, "read");
	luaL_getmetatable(L, LUA_FILEHANDLE); // os io files
	lua_getfield(L, -1, "__index");       // os io files methods
	flush_before(L, "read");
	lua_pop(L, 4); // -
}
