// SPDX-License-Identifier: GPL-2.0-only
// The loop's insides, for the files of this folder.
#ifndef EBS_LOOP_LOOP_PRIVATE_H
#define EBS_LOOP_LOOP_PRIVATE_H

#include <signal.h>
#include <uv.h>

#include "loop/loop.h"

struct ebs_loop {
	uv_loop_t uv;
	uv_async_t wake; // sent by the signal handler; referenced while something holds the loop
	uv_prepare_t prepare; // before each sleep
	uv_poll_t reader;     // standard output's other end
	int reader_epoll;     // -1 while nothing is watched
	ebs_loop_callback *before_sleep;
	void *before_sleep_context;
	struct ebs_timer *spare; // timers that are free
	int64_t nap;             // ns; 0: none
	unsigned holds;
	volatile sig_atomic_t open; // libuv's part is there; the signal handler asks too
	bool running;
	int result;
};

// A callback's result: a negative one ends the loop, and the run returns it.
static inline void ebs_loop_finish(struct ebs_loop *loop, int result)
{
	if (result >= 0)
		return;
	loop->result = result;
	uv_stop(&loop->uv);
}

// end_signals.c: the loop goes; signals that come have their default action again.
void ebs_loop_release_signals(struct ebs_loop *loop);

// timer.c: gives libuv the timers back that are free.
void ebs_loop_close_timers(struct ebs_loop *loop);

#endif
