// SPDX-License-Identifier: GPL-2.0-only
// SIGINT and SIGTERM: how long what runs and what waits may go on.
#ifndef EBS_SCRIPT_INTERRUPT_H
#define EBS_SCRIPT_INTERRUPT_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

struct ebs_state;

// Called in a signal handler: all that runs and waits has 200 ms to come to its end.
void ebs_interrupt(int number);
// Lua code of this state may be ended from now on. `state` NULL: Lua has ended; a write may still
// be waiting.
void ebs_interrupt_init(struct ebs_state *state);
// Makes the running Lua code end at once.
void ebs_interrupt_now(struct ebs_state *state);
// From now on Lua code runs in this thread. Returns the one before, to go back to; must not be
// missed, so nothing may raise in between.
lua_State *ebs_interrupt_switch(struct ebs_state *state, lua_State *thread);
// Ends Lua code by force: raises an error, state->cut says that it is this one.
int ebs_interrupt_raise(lua_State *L);
// bpf.run() has ended, and the script goes on. After a signal it has `grace` seconds of processor
// time for that, and five times as long in all. Returns whether Lua code was cut.
bool ebs_interrupt_end(struct ebs_state *state, double grace);
// From now on the script has 200 ms, as if the signal came now; for a script that goes back to
// waiting.
void ebs_interrupt_again(void);
// The script's text has ended. Finalizers have 200 ms from the signal; then the process ends with a
// sentence, as nothing of Lua's gets through a finalizer.
void ebs_interrupt_close(void);

// Whether a signal has asked for the end.
bool ebs_interrupt_came(void);
// Whether a signal wants the running Lua code to end: what takes long in C then ends early. Not so
// for what a script does behind a bpf.run() that the signal has ended.
bool ebs_interrupt_is_pending(void);
// Whether the time is over: who waits for somebody else gives up. System calls that block are
// interrupted from then on, every 20 ms.
bool ebs_interrupt_is_due(void);
// Until when what runs may go on, CLOCK_MONOTONIC ns; INT64_MAX where no signal came.
int64_t ebs_interrupt_until(void);
// After a signal, for who is about to wait for somebody else: until when, CLOCK_MONOTONIC ns. At
// most 200 ms from now; system calls are interrupted then.
int64_t ebs_interrupt_patience(void);
// The waiting is over.
void ebs_interrupt_waited(void);

#endif
