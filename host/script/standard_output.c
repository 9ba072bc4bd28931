// SPDX-License-Identifier: GPL-2.0-only
// One buffer for all that goes to standard output, in the order in which it was written.
#include "script/standard_output.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "script/state.h"

// Rows, print() and Lua's io library all write to C's stdout, so that they share its buffer.
static char buffer[64 * 1024]; // bytes
static int first_error;        // negative errno
static bool reader_gave_up; // after a signal nobody has read in time: nothing is written any more
static uint64_t lost_lines;

// A pipe that tells of room takes so many bytes at once.
#define PIECE 4096

// Whether whoever reads has had its time, which begins with the signal. `*until` is kept by the
// caller, 0 at first.
static bool is_over(int64_t *until)
{
	if (!ebs_interrupt_came())
		return false;
	if (!*until)
		*until = ebs_interrupt_patience();
	return ebs_now_ns() >= *until;
}

// Goes on when a signal comes: the host's signal handlers interrupt system calls, and stdio would
// drop what it was about to write. Whoever shares the descriptor may have made it non-blocking.
// After a signal, each piece has its time. Returns how much was written: less than `size` is a
// failure, ETIMEDOUT when the time was over.
static size_t write_all(int fd, const char *data, size_t size)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	int64_t until = ebs_interrupt_came() ? ebs_interrupt_patience() : 0;
	size_t done = 0;

	while (done < size) {
		size_t rest = size - done;
		ssize_t written = write(fd, data + done, until && rest > PIECE ? PIECE : rest);

		if (written >= 0) {
			done += written;
			until = ebs_interrupt_came() ? ebs_interrupt_patience() : 0;
			continue;
		}
		if (errno == EAGAIN && poll(&room, 1, -1) >= 0)
			continue;
		if (errno != EINTR)
			break;
		if (is_over(&until)) {
			errno = ETIMEDOUT;
			break;
		}
	}
	if (until) {
		int number = errno;

		ebs_interrupt_waited();
		errno = number;
	}
	return done;
}

static void lose_lines(const char *data, size_t size)
{
	const char *end = data + size;

	while ((data = memchr(data, '\n', (size_t)(end - data)))) {
		data++;
		lost_lines++;
	}
}

// A full disk ends the script: there is no sense in rows that go nowhere.
static ssize_t write_output(void *cookie, const char *data, size_t size)
{
	struct ebs_state *state = cookie;
	size_t done = reader_gave_up ? 0 : write_all(STDOUT_FILENO, data, size);

	if (done == size)
		return (ssize_t)size;
	if (reader_gave_up || errno == ETIMEDOUT) {
		reader_gave_up = true;
		lose_lines(data + done, size - done);
		return (ssize_t)size;
	}
	if (!first_error) {
		first_error = -errno;
		state->output_failed = true;
		ebs_interrupt_now(state);
	}
	return (ssize_t)done;
}

// What stands in both streams' file is to stand there in order. Where nobody reads this one,
// nothing can be told.
static ssize_t write_notice(void *cookie, const char *data, size_t size)
{
	static bool gave_up;

	fflush_unlocked(stdout);
	if (!gave_up && write_all(STDERR_FILENO, data, size) < size)
		gave_up = errno == ETIMEDOUT;
	return (ssize_t)size;
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

int ebs_standard_output_finish(const struct ebs_state *state)
{
	bool failed = fflush(stdout) || ferror(stdout);

	if (failed || first_error)
		fprintf(stderr, "ebscript: %s: can't write to standard output: %s\n", state->name,
			strerror(first_error ? -first_error : EIO));
	if (reader_gave_up)
		fprintf(stderr,
			"ebscript: %s: %" PRIu64
			" line%s not written: after the signal nobody read "
			"standard output\n",
			state->name, lost_lines, lost_lines == 1 ? "" : "s");
	return failed || first_error || reader_gave_up ? -EIO : 0;
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
// finds its arguments and can blame them. What a signal has woken ends there, with nothing in hand.
static int flush_and_call(lua_State *L)
{
	bool came = ebs_interrupt_came();

	fflush_unlocked(stdout);
	if (ebs_state(L)->output_failed)
		return ebs_interrupt_raise(L);
	int count = lua_tocfunction(L, lua_upvalueindex(1))(L);
	if (!came && ebs_interrupt_came() && count > 0 && !lua_toboolean(L, -count))
		return ebs_interrupt_raise(L);
	return count;
}

// Nothing runs behind it that could tell of lines that are lost.
static int flush_and_exit(lua_State *L)
{
	const struct ebs_state *state = ebs_state(L);

	fflush_unlocked(stdout);
	if (reader_gave_up)
		exit(ebs_standard_output_finish(state) ? 1 : 0);
	return flush_and_call(L);
}

static int flush_and_open(lua_State *L)
{
	ebs_make_room_for_file(L);
	return flush_and_call(L);
}

// Of the table on the top.
static void flush_before(lua_State *L, const char *name, lua_CFunction function)
{
	lua_getfield(L, -1, name);        // table function
	lua_pushcclosure(L, function, 1); // table function
	lua_setfield(L, -2, name);        // table
}

void ebs_open_standard_output(lua_State *L)
{
	lua_register(L, "print", print);
	lua_getglobal(L, "os"); // os
	flush_before(L, "execute", flush_and_call);
	flush_before(L, "exit", flush_and_exit);
	lua_getglobal(L, "io"); // os io
	flush_before(L, "popen", flush_and_open);
	flush_before(L, "read", flush_and_call);
	luaL_getmetatable(L, LUA_FILEHANDLE); // os io files
	lua_getfield(L, -1, "__index");       // os io files methods
	flush_before(L, "read", flush_and_call);
	lua_pop(L, 4); // -
}
