// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.Watch: descriptors, lines of them, and signals that a script has handlers for.
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "script/bpf.h"

#define CLASS     "bpf.Watch"
#define PIECE     65536   // bytes of one read
#define LONG_LINE 1048576 // bytes: what is no end of a line up to there is no text

// User value 1 is the function, 2 its argument. The registry keeps an open watch alive.
struct script_watch {
	struct ebs_state *state;
	struct ebs_watch *watch;   // NULL: a signal's, or closed
	struct ebs_signal *signal; // NULL: a descriptor's, or closed
	int fd;
	int always;             // an eventfd that can always be read, for regular files; else -1
	struct ebs_buffer text; // of the lines
	size_t taken;           // bytes of it that the function has got
};

static const struct signal_name {
	const char *name;
	int number;
} signal_names[] = {
	{ "SIGHUP", SIGHUP },     { "SIGUSR1", SIGUSR1 }, { "SIGUSR2", SIGUSR2 },
	{ "SIGQUIT", SIGQUIT },   { "SIGCONT", SIGCONT }, { "SIGCHLD", SIGCHLD },
	{ "SIGWINCH", SIGWINCH },
};

static bool is_open(const struct script_watch *self)
{
	return self->watch || self->signal;
}

static void release(lua_State *L, struct script_watch *self)
{
	self->state->watches -= self->watch != NULL;
	ebs_watch_free(self->watch);
	ebs_signal_free(self->signal);
	if (self->always >= 0)
		close(self->always);
	self->watch = NULL;
	self->signal = NULL;
	self->always = -1;
	ebs_buffer_free(&self->text);
	self->taken = 0;
	lua_pushnil(L);                          // nil
	lua_rawsetp(L, LUA_REGISTRYINDEX, self); // -
}

static int deliver(lua_State *L)
{
	struct script_watch *self = lua_touserdata(L, 1);

	lua_rawgetp(L, LUA_REGISTRYINDEX, self); // watch
	lua_getiuservalue(L, -1, 1);             // watch function
	lua_getiuservalue(L, -2, 2);             // watch function argument
	lua_call(L, 1, 0);                       // watch
	return 0;
}

static int on_happening(void *context)
{
	struct script_watch *self = context;

	return ebs_call_protected(self->state, deliver, self);
}

static const char *find_end(const struct script_watch *self)
{
	size_t size = self->text.size - self->taken;

	return size ? memchr(self->text.data + self->taken, '\n', size) : NULL;
}

// Calls the function at index 2 with the next `size` bytes of text. These and `behind` more count
// as taken before, so that an error does not bring a line a second time.
static void hand_over(lua_State *L, struct script_watch *self, size_t size, size_t behind)
{
	lua_pushvalue(L, 2);                                     // ... function
	lua_pushlstring(L, self->text.data + self->taken, size); // ... function line
	self->taken += size + behind;
	lua_call(L, 1, 0); // ...
}

// Ends the watch, as reading on makes no sense, with an error.
static int give_up(lua_State *L, struct script_watch *self, const char *problem)
{
	int fd = self->fd;

	release(L, self);
	return luaL_error(L, "bpf.on_line(): descriptor %d %s", fd, problem);
}

// Reads once. Returns the number of bytes; 0 at the end of the file; -1 where somebody else was
// quicker.
static ssize_t read_text(lua_State *L, struct script_watch *self)
{
	struct ebs_buffer *text = &self->text;

	text->size -= self->taken;
	if (self->taken)
		memmove(text->data, text->data + self->taken, text->size);
	self->taken = 0;
	char *room = ebs_buffer_room(text, PIECE);
	if (!room)
		return luaL_error(L, "not enough memory");
	ssize_t count;
	do
		count = read(self->fd, room, PIECE);
	while (count < 0 && errno == EINTR);
	if (count < 0 && errno == EAGAIN)
		return -1;
	if (count < 0)
		return give_up(L, self, lua_pushfstring(L, "can't be read: %s", strerror(errno)));
	text->size += count;
	return count;
}

// All that is there in one read, as lines; at the end of the file nil, and the watch is closed.
static int deliver_lines(lua_State *L)
{
	struct script_watch *self = lua_touserdata(L, 1);
	bool waits = find_end(self);
	const char *end;

	lua_rawgetp(L, LUA_REGISTRYINDEX, self); // self watch
	lua_getiuservalue(L, -1, 1);             // self watch function
	lua_replace(L, 2);                       // self function
	ssize_t count = waits ? 1 : read_text(L, self);
	while (is_open(self) && (end = find_end(self)))
		hand_over(L, self, end - self->text.data - self->taken, 1);
	if (!is_open(self))
		return 0;
	size_t rest = self->text.size - self->taken;
	if (rest > LONG_LINE)
		return give_up(L, self, "has a line of over 1 MiB");
	if (count)
		return 0;
	if (rest)
		hand_over(L, self, rest, 0);
	if (!is_open(self))
		return 0;
	release(L, self);
	lua_pushvalue(L, 2);
	lua_pushnil(L);
	lua_call(L, 1, 0);
	return 0;
}

static int on_lines(void *context)
{
	struct script_watch *self = context;
	int result = ebs_call_protected(self->state, deliver_lines, self);

	// What an error has left is handed over by the next run.
	if (self->watch && find_end(self))
		ebs_watch_again(self->watch);
	return result;
}

// The descriptor of the argument 1: a file of Lua's, or a number.
static int check_descriptor(lua_State *L)
{
	luaL_Stream *stream = luaL_testudata(L, 1, LUA_FILEHANDLE);
	int is_number;
	lua_Integer number = lua_tointegerx(L, 1, &is_number);

	if (stream && !stream->closef)
		luaL_argerror(L, 1, "the file is closed");
	if (!stream && !(is_number && number >= 0 && number <= INT32_MAX))
		luaL_typeerror(L, 1, "file or descriptor");
	return stream ? fileno(stream->f) : (int)number;
}

// A new, closed watch of the function at 2.
static struct script_watch *push_watch(lua_State *L)
{
	luaL_checktype(L, 2, LUA_TFUNCTION);
	ebs_refuse_at_end(L);
	struct script_watch *self = lua_newuserdatauv(L, sizeof(*self), 2); // watch

	*self = (struct script_watch){ .state = ebs_state(L), .fd = -1, .always = -1 };
	luaL_setmetatable(L, CLASS);
	lua_pushvalue(L, 2);         // watch function
	lua_setiuservalue(L, -2, 1); // watch
	lua_pushvalue(L, 1);         // watch argument
	lua_setiuservalue(L, -2, 2); // watch
	return self;
}

// The watch on the top is kept alive until it is closed.
static int finish(lua_State *L, struct script_watch *self, struct ebs_error *error)
{
	if (!is_open(self))
		return ebs_fail(L, error);
	self->state->watches += self->watch != NULL;
	lua_pushvalue(L, -1);                    // watch watch
	lua_rawsetp(L, LUA_REGISTRYINDEX, self); // watch
	return 1;
}

// bpf.on_readable(file, handler)
int ebs_bpf_on_readable(lua_State *L)
{
	int fd = check_descriptor(L);
	luaL_Stream *stream = luaL_testudata(L, 1, LUA_FILEHANDLE);
	struct ebs_error error = { 0 };
	bool tried = false;
	struct script_watch *self = push_watch(L); // watch

	self->fd = fd;
	do
		self->watch =
			ebs_loop_watch_shared(self->state->loop, fd, on_happening, self, &error);
	while (!self->watch && ebs_try_again(L, &error, &tried));
	if (!self->watch && strcmp(error.code, "EPERM") == 0) {
		ebs_error_clear(&error);
		ebs_error_explain(&error, EPERM,
				  "descriptor %d is a regular file, which can always be read: read "
				  "it at once, or line by line with bpf.on_line()",
				  fd);
	}
	// What a buffer has taken already no longer makes the descriptor readable.
	if (self->watch && stream)
		setvbuf(stream->f, NULL, _IONBF, 0);
	return finish(L, self, &error);
}

// Watches for lines. A regular file can always be read: something else has to say so.
static void watch_lines(struct script_watch *self, struct ebs_error *error)
{
	struct ebs_loop *loop = self->state->loop;

	self->watch = ebs_loop_watch_shared(loop, self->fd, on_lines, self, error);
	if (self->watch || strcmp(error->code, "EPERM"))
		return;
	ebs_error_clear(error);
	if (self->always < 0)
		self->always = eventfd(1, EFD_CLOEXEC);
	if (self->always < 0)
		ebs_error_errno(error, errno, "can't read descriptor %d", self->fd);
	else
		self->watch = ebs_loop_watch(loop, self->always, on_lines, self, error);
}

// bpf.on_line(file, handler)
int ebs_bpf_on_line(lua_State *L)
{
	struct ebs_error error = { 0 };
	bool tried = false;
	int fd = check_descriptor(L);
	struct script_watch *self = push_watch(L); // watch

	self->fd = fd;
	do
		watch_lines(self, &error);
	while (!self->watch && ebs_try_again(L, &error, &tried));
	return finish(L, self, &error);
}

static int refuse_signal(lua_State *L, const char *name)
{
	luaL_Buffer names;

	if (strcmp(name, "SIGINT") == 0 || strcmp(name, "SIGTERM") == 0)
		return luaL_argerror(
			L, 1,
			lua_pushfstring(L,
					"%s ends bpf.run(): what is to happen then comes after it",
					name));
	luaL_buffinit(L, &names);
	for (size_t i = 0; i < sizeof(signal_names) / sizeof(*signal_names); i++) {
		luaL_addstring(&names, i ? ", " : "");
		luaL_addstring(&names, signal_names[i].name);
	}
	luaL_pushresult(&names); // names
	return luaL_argerror(L, 1,
			     lua_pushfstring(L, "there is no handler for '%s'; there are for %s",
					     name, lua_tostring(L, -1)));
}

// bpf.on_signal(name, handler)
int ebs_bpf_on_signal(lua_State *L)
{
	const size_t count = sizeof(signal_names) / sizeof(*signal_names);
	const char *name = luaL_checkstring(L, 1);
	struct ebs_error error = { 0 };
	size_t i = 0;

	while (i < count && strcmp(signal_names[i].name, name))
		i++;
	if (i == count)
		return refuse_signal(L, name);
	struct script_watch *self = push_watch(L); // watch
	self->signal = ebs_loop_on_signal(self->state->loop, signal_names[i].number, on_happening,
					  self, &error);
	return finish(L, self, &error);
}

static int watch_close(lua_State *L)
{
	release(L, luaL_checkudata(L, 1, CLASS));
	return 0;
}

static int watch_tostring(lua_State *L)
{
	lua_pushstring(L, is_open(luaL_checkudata(L, 1, CLASS)) ? CLASS : CLASS " (closed)");
	return 1;
}

static const luaL_Reg methods[] = {
	{ "close", watch_close },
	{ NULL, NULL },
};

static const luaL_Reg metamethods[] = {
	{ "__close", watch_close },
	{ "__gc", watch_close },
	{ "__tostring", watch_tostring },
	{ NULL, NULL },
};

void ebs_register_watch(lua_State *L)
{
	ebs_new_class(L, CLASS, methods, metamethods);
}
