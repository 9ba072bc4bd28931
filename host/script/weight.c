// SPDX-License-Identifier: GPL-2.0-only
// When the weight of userdata makes Lua collect garbage.
#include "script/weight.h"

#include <linux/membarrier.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "script/state.h"

// Below these nothing is collected for the weight's sake.
#define FEW_FILES  16
#define MANY_FILES 256
#define FEW_BYTES  (4 * 1024 * 1024)

#define PIPE_FILES 3 // what io.popen() needs

void ebs_weigh(struct ebs_state *state, struct ebs_weight *held, struct ebs_weight now)
{
	state->weights.held.files += now.files - held->files;
	state->weights.held.bytes += now.bytes - held->bytes;
	*held = now;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

// A quarter of the files that the process may have open.
static size_t free_files(void)
{
	struct rlimit limit;
	size_t files = getrlimit(RLIMIT_NOFILE, &limit) ? MANY_FILES : limit.rlim_cur / 4;

	return files < MANY_FILES ? larger(files, FEW_FILES) : MANY_FILES;
}

// What is held then is in use: twice as much is where to collect again.
static void collect(lua_State *L)
{
	struct ebs_weights *weights = &ebs_state(L)->weights;

	lua_gc(L, LUA_GCCOLLECT);
	weights->opened = 0;
	weights->limit.files = larger(free_files(), 2 * weights->held.files);
	weights->limit.bytes = larger(FEW_BYTES, 2 * weights->held.bytes);
}

void ebs_make_room(lua_State *L)
{
	const struct ebs_weights *weights = &ebs_state(L)->weights;

	if (weights->held.files + weights->opened >= larger(weights->limit.files, FEW_FILES) ||
	    weights->held.bytes >= larger(weights->limit.bytes, FEW_BYTES))
		collect(L);
}

void ebs_make_room_for_file(lua_State *L)
{
	ebs_state(L)->weights.opened++;
	ebs_make_room(L);
	if (ebs_need_files(PIPE_FILES))
		collect(L);
}

// The kernel frees a map's memory some time after its last descriptor is closed: behind a grace
// period, of sleepable programs too when one was attached, and in a worker.
static void wait_for_kernel(void)
{
	const struct timespec workers = { .tv_nsec = 300000000 };

	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0); // waits for a grace period
	nanosleep(&workers, NULL);
}

bool ebs_try_again(lua_State *L, struct ebs_error *error, bool *tried)
{
	static const char *const codes[] = { "EMFILE", "ENFILE", "ENOMEM" };
	bool memory = strcmp(error->code, "ENOMEM") == 0;
	bool ran_out = false;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		ran_out |= strcmp(error->code, codes[i]) == 0;
	if (!ran_out || *tried)
		return false;
	*tried = true;
	ebs_error_clear(error);
	collect(L);
	if (memory)
		wait_for_kernel();
	return true;
}
