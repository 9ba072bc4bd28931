// SPDX-License-Identifier: GPL-2.0-only
// SIGINT and SIGTERM end the loop.
#include <errno.h>

#include "base/clock.h"
#include "loop/loop_private.h"

// Programs that end others send more than one signal, and a key may be pressed twice: what comes so
// soon after the first is the same request.
#define SAME_REQUEST_NS INT64_C(1000000000)

// The signal handler's view of the one loop.
static struct ebs_loop *signalled_loop;
static void (*signal_callback)(int number);
static volatile int64_t signalled_at; // the first one, ns; 0: none

static void on_signal(int number)
{
	int saved = errno;
	int64_t now = ebs_now_ns();

	if (!signalled_at) {
		signalled_at = now;
		signal_callback(number);
		if (signalled_loop->open)
			uv_async_send(&signalled_loop->wake);
	} else if (now - signalled_at >= SAME_REQUEST_NS) {
		signal(number, SIG_DFL);
		raise(number); // as soon as this handler has returned
	}
	errno = saved;
}

// Who starts a program with a signal ignored means that it doesn't reach it.
static void catch_signal(int number, const struct sigaction *action)
{
	struct sigaction inherited;

	if (!sigaction(number, NULL, &inherited) && inherited.sa_handler != SIG_IGN)
		sigaction(number, action, NULL);
}

// No SA_RESTART: a script that reads a file or waits for a command is to wake up.
void ebs_loop_catch_signals(struct ebs_loop *loop, void (*callback)(int number))
{
	struct sigaction action = { .sa_handler = on_signal };

	signalled_loop = loop;
	signal_callback = callback;
	signalled_at = 0;
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGINT);
	sigaddset(&action.sa_mask, SIGTERM);
	catch_signal(SIGINT, &action);
	catch_signal(SIGTERM, &action);
}

static void release_signal(int number)
{
	struct sigaction current;

	if (!sigaction(number, NULL, &current) && current.sa_handler == on_signal)
		signal(number, SIG_DFL);
}

void ebs_loop_release_signals(struct ebs_loop *loop)
{
	if (signalled_loop != loop)
		return;
	if (!signalled_at) { // else the same request may come once more
		release_signal(SIGINT);
		release_signal(SIGTERM);
	}
	signalled_loop = NULL;
}
