// SPDX-License-Identifier: GPL-2.0-only
// How often a busy buffer is read.
//
// The kernel wakes who has read all that there was, so a steady stream of samples costs a wake-up
// for each, many times what the sample itself costs. While the reader lags behind, the kernel wakes
// nobody. So who has read more than a few samples in a millisecond lets a millisecond's worth of
// them gather. A sample that comes alone is never put off.
#include "base/clock.h"
#include "script/events.h"

#define WINDOW_NS    1000000
#define FEW          16
#define LONGEST_NS   1000000
#define SHORTEST_NS  200000 // else the buffer is too small to let anything gather in it
#define BUSY_HEAD_NS 20000  // a program is in the middle of writing a sample

void ebs_handler_pace(struct script_handler *handler, size_t samples, size_t bytes)
{
	struct ebs_loop *loop = handler->object->state->loop;
	size_t capacity = ebs_ring_capacity(handler->ring);
	// At 256 bytes in a microsecond the buffer would be full.
	int64_t nap = (int64_t)capacity * 4;
	int64_t now = ebs_now_ns();

	if (now - handler->since > WINDOW_NS) {
		handler->since = now;
		handler->samples = 0;
		handler->bytes = 0;
	}
	handler->samples += samples;
	handler->bytes += bytes;
	if (!samples && ebs_ring_is_busy(handler->ring)) {
		ebs_loop_nap(loop, BUSY_HEAD_NS); // who polls would find it readable over and over
	} else if (handler->samples > FEW && nap >= SHORTEST_NS && handler->bytes <= capacity / 4) {
		ebs_loop_nap(loop, nap < LONGEST_NS ? nap : LONGEST_NS);
		handler->since = 0;
	}
}
