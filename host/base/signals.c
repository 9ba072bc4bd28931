// SPDX-License-Identifier: GPL-2.0-only
// The signals of the process, whatever it was started with.
#include "base/signals.h"

#include <signal.h>

// A handler, as programs that are started would inherit that the signal is ignored.
static void on_file_size(int number)
{
}

void ebs_signals_settle(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	struct sigaction file_size = { .sa_handler = on_file_size };
	sigset_t none;

	sigaction(SIGPIPE, &standard, NULL);
	sigaction(SIGCHLD, &standard, NULL);
	sigaction(SIGALRM, &standard, NULL);
	sigaction(SIGPROF, &standard, NULL);
	sigaction(SIGXFSZ, &file_size, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
