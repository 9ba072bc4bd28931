// SPDX-License-Identifier: GPL-2.0-only
// Timers that keep their beat.
#include <errno.h>
#include <stdlib.h>

#include "loop/loop_private.h"

#define MILLISECOND UINT64_C(1000000) // ns

struct ebs_timer {
	uv_timer_t uv;
	struct ebs_loop *loop;
	ebs_loop_callback *callback;
	void *context;
	uint64_t interval;      // ns
	uint64_t due;           // the next tick, by uv_hrtime()
	uint64_t missed;        // ticks that were left out
	unsigned uses;          // counts frees: a callback may free its own timer
	struct ebs_timer *next; // among spare ones
};

static void on_timer(uv_timer_t *handle);

// libuv counts milliseconds from when the loop last woke up. Its idea of the time must not change
// here: in a timer's callback this would make the next timers due at once, and again, with no end.
static void start(struct ebs_timer *timer)
{
	uint64_t loop_now = uv_now(&timer->loop->uv);
	uint64_t due = (timer->due + MILLISECOND - 1) / MILLISECOND;

	uv_timer_start(&timer->uv, on_timer, due > loop_now ? due - loop_now : 0, 0);
}

// The next tick is a whole number of intervals after this one. Ticks that have passed meanwhile, as
// the callback took its time or the process was stopped, are left out and counted.
static void on_timer(uv_timer_t *handle)
{
	struct ebs_timer *timer = handle->data;
	struct ebs_loop *loop = timer->loop;
	unsigned use = timer->uses;
	int result = timer->callback(timer->context);

	ebs_loop_finish(loop, result);
	if (timer->uses != use)
		return;
	uint64_t now = uv_hrtime();
	timer->due += timer->interval;
	if (timer->due <= now) {
		uint64_t passed = (now - timer->due) / timer->interval + 1;
		timer->missed += passed;
		timer->due += passed * timer->interval;
	}
	start(timer);
}

// One that is free, else a new one.
static struct ebs_timer *take_timer(struct ebs_loop *loop)
{
	struct ebs_timer *timer = loop->spare;

	if (timer) {
		loop->spare = timer->next;
		uv_ref((uv_handle_t *)&timer->uv);
		return timer;
	}
	timer = calloc(1, sizeof(*timer));
	if (!timer)
		return NULL;
	uv_timer_init(&loop->uv, &timer->uv);
	timer->uv.data = timer;
	timer->loop = loop;
	return timer;
}

struct ebs_timer *ebs_loop_every(struct ebs_loop *loop, double seconds, ebs_loop_callback *callback,
				 void *context, struct ebs_error *error)
{
	if (ebs_loop_open(loop, error))
		return NULL;
	struct ebs_timer *timer = take_timer(loop);
	if (!timer) {
		ebs_error_errno(error, ENOMEM, "can't start a timer");
		return NULL;
	}
	double interval = seconds * 1e9 + 0.5;

	timer->callback = callback;
	timer->context = context;
	timer->interval = interval < MILLISECOND ? MILLISECOND : (uint64_t)interval;
	timer->due = uv_hrtime() + timer->interval;
	timer->missed = 0;
	start(timer);
	return timer;
}

void ebs_timer_stay_behind(struct ebs_timer *timer)
{
	uv_unref((uv_handle_t *)&timer->uv);
}

uint64_t ebs_timer_missed(const struct ebs_timer *timer)
{
	return timer->missed;
}

// libuv gives handles back in the loop's turns only, and a script may never run it.
void ebs_timer_free(struct ebs_timer *timer)
{
	if (!timer)
		return;
	uv_timer_stop(&timer->uv);
	timer->uses++;
	timer->next = timer->loop->spare;
	timer->loop->spare = timer;
}

// The memory of a handle is libuv's until its close callback.
static void free_handle(uv_handle_t *handle)
{
	free(handle->data);
}

void ebs_loop_close_timers(struct ebs_loop *loop)
{
	for (struct ebs_timer *timer = loop->spare; timer; timer = timer->next)
		uv_close((uv_handle_t *)&timer->uv, free_handle);
}
