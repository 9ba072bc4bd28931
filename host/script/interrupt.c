// SPDX-License-Identifier: GPL-2.0-only
// SIGINT and SIGTERM: how long what runs and what waits may go on.
//
// A timer's signal does both at the end of that time: it sets a hook, which ends Lua code, and
// interrupts the system call that the process waits in, again and again.
#include "script/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "script/state.h"

// How long what runs when the signal comes may go on: a handler comes to its end, and isn't cut in
// the middle of a row; a script that is about to call bpf.run() gets there, which then returns at
// once.
#define GRACE_NS        INT64_C(200000000)
#define SECOND_NS       INT64_C(1000000000)
#define TICK_US         20000             // between two interruptions of a system call
#define INSTRUCTIONS    1000              // between two calls of the hook
#define FINALIZERS_NS   INT64_C(40000000) // that they have left when what they wait for is over
#define FINALIZER_TICKS 2

static struct ebs_state *interrupted_state;
static volatile int64_t requested_at; // CLOCK_MONOTONIC ns; 0: no signal came
static volatile int64_t limit;        // the end of the time, likewise
static volatile sig_atomic_t armed;   // hooks are set, and mean it
static bool extended;                 // the script is behind bpf.run()
static bool waits_again;              // and has gone back to it
static volatile sig_atomic_t closing; // finalizers run
static volatile sig_atomic_t hooked;  // a hook has been called since they are set
static volatile sig_atomic_t ticks;   // since then

static void on_hook(lua_State *L, lua_Debug *activation)
{
	if (!armed) { // of a thread that slept meanwhile
		lua_sethook(L, NULL, 0, 0);
		return;
	}
	hooked = true;
	// What closes variables on the way out may be short.
	lua_sethook(L, on_hook, LUA_MASKCOUNT, INSTRUCTIONS);
	ebs_interrupt_raise(L);
}

static void set_hook(lua_State *L)
{
	lua_sethook(L, on_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, INSTRUCTIONS);
}

// lua_sethook() may be called at any moment, signal handlers included.
static void arm(void)
{
	if (!armed) {
		hooked = false;
		ticks = 0;
	}
	armed = true;
	if (interrupted_state)
		set_hook(interrupted_state->thread);
}

// In a signal handler. A finalizer of the script's goes on and on, and Lua calls no hook in one.
static void end_process(void)
{
	static const char text[] = "ebscript: interrupted: a finalizer (__gc) went on and on\n";
	struct pollfd terminal = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&terminal, 1, 0) == 1 && write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	_exit(1);
}

// In a signal handler, at each tick. Lua code runs, and the hook isn't called: that is so in
// finalizers. (C functions of Lua's own may take as long.)
static bool runs_finalizer(void)
{
	lua_Debug running;

	if (!armed || hooked || !interrupted_state || ++ticks < FINALIZER_TICKS)
		return false;
	lua_State *L = interrupted_state->thread;

	return lua_getstack(L, 0, &running) && lua_getinfo(L, "S", &running) &&
	       *running.what != 'C';
}

// Without a timer there is no grace.
static void wake_at(int64_t when)
{
	int64_t wait = when - ebs_now_ns();
	struct itimerval timer = { .it_interval.tv_usec = TICK_US };

	if (wait < 1000) // 0 would stop the timer
		wait = 1000;
	timer.it_value.tv_sec = wait / SECOND_NS;
	timer.it_value.tv_usec = wait % SECOND_NS / 1000;
	if (setitimer(ITIMER_REAL, &timer, NULL)) {
		limit = 1;
		arm();
	}
}

static void on_time(int number)
{
	int saved = errno;

	if (number == SIGPROF) {
		limit = ebs_now_ns();
		wake_at(limit);
	}
	if (ebs_interrupt_is_due()) {
		if (closing ? ebs_now_ns() >= limit + FINALIZERS_NS : runs_finalizer())
			end_process();
		arm();
	}
	errno = saved;
}

void ebs_interrupt(int number)
{
	requested_at = ebs_now_ns();
	limit = requested_at + GRACE_NS;
	if (interrupted_state)
		interrupted_state->interrupted = true;
	wake_at(limit);
}

void ebs_interrupt_now(struct ebs_state *state)
{
	if (interrupted_state)
		arm();
}

void ebs_interrupt_init(struct ebs_state *state)
{
	struct sigaction action = { .sa_handler = on_time };

	interrupted_state = state;
	armed = false;
	closing = false;
	if (!state) { // what is left is to write the rows that are left
		if (requested_at)
			limit = ebs_now_ns() + SECOND_NS;
		return;
	}
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGINT);
	sigaddset(&action.sa_mask, SIGTERM);
	sigaddset(&action.sa_mask, SIGALRM);
	sigaddset(&action.sa_mask, SIGPROF);
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGPROF, &action, NULL);
}

lua_State *ebs_interrupt_switch(struct ebs_state *state, lua_State *thread)
{
	lua_State *before = state->thread;

	state->thread = thread;
	if (armed)
		set_hook(thread);
	return before;
}

int ebs_interrupt_raise(lua_State *L)
{
	ebs_state(L)->cut = true;
	lua_pushliteral(L, "interrupted");
	return lua_error(L);
}

bool ebs_interrupt_end(struct ebs_state *state, double grace)
{
	bool cut = state->cut;

	armed = waits_again && ebs_interrupt_is_due();
	state->cut = false;
	if (requested_at && !extended) {
		struct itimerval timer = { .it_value.tv_sec = (time_t)grace };
		struct itimerval none = { 0 };

		extended = true;
		timer.it_value.tv_usec = (suseconds_t)((grace - (double)(time_t)grace) * 1e6) + 1;
		limit = ebs_now_ns() + (int64_t)(grace * 5e9);
		setitimer(ITIMER_REAL, &none, NULL); // a tick must not meet the old limit
		wake_at(limit);
		setitimer(ITIMER_PROF, &timer, NULL);
	}
	return cut;
}

void ebs_interrupt_again(void)
{
	int64_t now = ebs_now_ns();

	if (!extended || waits_again)
		return;
	waits_again = true;
	if (limit > now + GRACE_NS)
		limit = now + GRACE_NS;
	wake_at(limit);
}

void ebs_interrupt_close(void)
{
	int64_t least = ebs_now_ns() + GRACE_NS / 4;

	closing = true;
	armed = false;
	if (!requested_at)
		return;
	limit = requested_at + GRACE_NS;
	if (limit < least)
		limit = least;
	wake_at(limit);
}

bool ebs_interrupt_came(void)
{
	return requested_at != 0;
}

bool ebs_interrupt_is_pending(void)
{
	return armed || (requested_at && (!extended || waits_again));
}

bool ebs_interrupt_is_due(void)
{
	return requested_at && ebs_now_ns() >= limit;
}

int64_t ebs_interrupt_until(void)
{
	return requested_at ? limit : INT64_MAX;
}

int64_t ebs_interrupt_patience(void)
{
	int64_t until = ebs_now_ns() + GRACE_NS;

	if (until >= limit)
		return limit;
	wake_at(until);
	return until;
}

void ebs_interrupt_waited(void)
{
	wake_at(limit);
}
