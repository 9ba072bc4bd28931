// SPDX-License-Identifier: GPL-2.0-only
// The process of a command that is started later.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "helper/process.h"

// What the host has set, or has inherited, is no matter of the command's.
static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

// Waits for a byte, and says why it can't run; that it runs is told by the end of `go`.
_Noreturn static void wait_and_run(char *const *arguments, int go)
{
	char byte;

	if (dup3(go, 3, O_CLOEXEC) < 0 && go != 3)
		_exit(127);
	ebs_close_from(4);
	reset_signals();
	if (recv(3, &byte, 1, 0) != 1)
		_exit(0);
	execvp(arguments[0], arguments);
	int number = errno;
	send(3, &number, sizeof(number), MSG_NOSIGNAL);
	_exit(127);
}

pid_t ebs_command_prepare(char *const *arguments, int *go)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	pid_t pid = fork();
	if (pid == 0)
		wait_and_run(arguments, ends[1]);
	int number = errno;
	close(ends[1]);
	if (pid > 0) {
		*go = ends[0];
		return pid;
	}
	close(ends[0]);
	return -number;
}

int ebs_command_start(int go)
{
	int number = 0;
	ssize_t got;

	if (send(go, "", 1, MSG_NOSIGNAL) != 1)
		return -ESRCH;
	do
		got = recv(go, &number, sizeof(number), 0);
	while (got < 0 && errno == EINTR);
	return got == sizeof(number) ? -number : 0;
}
