// SPDX-License-Identifier: GPL-2.0-only
// Waiting: file descriptors, timers and signals become callbacks.
#ifndef EBS_LOOP_LOOP_H
#define EBS_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct ebs_loop;
struct ebs_watch;
struct ebs_timer;
struct ebs_signal;

// A callback returns 0; a negative number ends the loop, and ebs_loop_run() returns it.
typedef int ebs_loop_callback(void *context);

// One loop a process, since it owns the process's SIGINT and SIGTERM. NULL with `error` filled.
struct ebs_loop *ebs_loop_new(struct ebs_error *error);

// Makes what waiting needs. Watches, timers and a run do that by themselves; who doesn't wait at
// once has it later, or never. Returns 0, or -errno with `error` filled.
int ebs_loop_open(struct ebs_loop *loop, struct ebs_error *error);

// Every watch and timer of the loop must have been freed before.
void ebs_loop_free(struct ebs_loop *loop);

// Runs until ebs_loop_stop(), a signal, a negative callback, or until there is no watch, no timer
// and no hold. Returns 0, the callback's number, or -errno of ebs_loop_open(). A watch's or timer's
// callback must not call it.
int ebs_loop_run(struct ebs_loop *loop);
void ebs_loop_stop(struct ebs_loop *loop);

// Calls `callback` when `fd` can be read, which stays the caller's and must outlive the watch.
struct ebs_watch *ebs_loop_watch(struct ebs_loop *loop, int fd, ebs_loop_callback *callback,
				 void *context, struct ebs_error *error);
// The same for a descriptor that other processes may share: its flags stay as they are. Code
// "EPERM" where it is a regular file, which the kernel always lets a process read.
struct ebs_watch *ebs_loop_watch_shared(struct ebs_loop *loop, int fd, ebs_loop_callback *callback,
					void *context, struct ebs_error *error);
void ebs_watch_free(struct ebs_watch *watch);
// The watch alone does not keep a run going.
void ebs_watch_unref(struct ebs_watch *watch);
// Calls the callback in the loop's next turn, or in the next run's first, without being asked for.
void ebs_watch_again(struct ebs_watch *watch);

// Calls `callback` every `seconds` (at least a millisecond), at multiples of that from now on.
// Multiples that pass while the callback runs are left out and counted.
struct ebs_timer *ebs_loop_every(struct ebs_loop *loop, double seconds, ebs_loop_callback *callback,
				 void *context, struct ebs_error *error);
void ebs_timer_free(struct ebs_timer *timer);
// It alone does not keep a run going.
void ebs_timer_stay_behind(struct ebs_timer *timer);
// How many ticks were left out since the timer was made.
uint64_t ebs_timer_missed(const struct ebs_timer *timer);

// Calls `callback` in the loop after each signal `number`, other than SIGINT and SIGTERM; one that
// comes earlier is kept for the next run. Signals alone do not keep a run going.
struct ebs_signal *ebs_loop_on_signal(struct ebs_loop *loop, int number,
				      ebs_loop_callback *callback, void *context,
				      struct ebs_error *error);
void ebs_signal_free(struct ebs_signal *signal);

// The loop has something to wait for while holds outnumber releases (an attached program, say).
void ebs_loop_hold(struct ebs_loop *loop);
void ebs_loop_release(struct ebs_loop *loop);

// Called each time before the loop sleeps.
void ebs_loop_before_sleep(struct ebs_loop *loop, ebs_loop_callback *callback, void *context);

// Before the next wait for descriptors, do nothing at all for so long, signals excepted. Where it
// is asked for several times, the shortest holds.
void ebs_loop_nap(struct ebs_loop *loop, int64_t nanoseconds);

// Ends the process by SIGPIPE, as a write would, once the reader of `fd` has gone while the loop
// waits. Does nothing for what is neither a pipe nor a socket.
void ebs_loop_watch_reader(struct ebs_loop *loop, int fd);

// From now on the first SIGINT or SIGTERM calls `on_signal` inside the signal handler (it may do
// only what signal-safety(7) allows) and ends the loop. Those of the next second are the same
// request; a later one kills the process. A signal that is ignored stays so.
void ebs_loop_catch_signals(struct ebs_loop *loop, void (*on_signal)(int number));

// Of the libuv that runs, as "1.44.2"; static text.
const char *ebs_loop_library_version(void);

#endif
