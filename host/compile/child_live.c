// SPDX-License-Identifier: GPL-2.0-only
// The child's side of compile/child: its limits, signals and files, and how it speaks with its
// parent.
#include "compile/child_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "compile/confine.h"

#define CPU_SECONDS   60
#define FILE_SIZE     (256UL << 20) // bytes; objects have some 30 KB
#define ADDRESS_SPACE (4UL << 30)   // bytes; a compile takes some 100 MB
#define STACK_SIZE \
	(96UL << 20) // bytes; clang calls itself for each level of nesting, and the
		     // kernel keeps 128 MB free for the stack of every process

// AddressSanitizer reserves terabytes of address space; this is defined when it is in the process.
extern void __asan_init(void) __attribute__((weak));

static void limit(int resource, rlim_t soft)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) == 0 && soft < limit.rlim_max) {
		limit.rlim_cur = soft;
		setrlimit(resource, &limit);
	}
}

static void raise_stack(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_STACK, &limit) || limit.rlim_cur >= STACK_SIZE)
		return;
	limit.rlim_cur = limit.rlim_max < STACK_SIZE ? limit.rlim_max : STACK_SIZE;
	setrlimit(RLIMIT_STACK, &limit);
}

static void set_limits(void)
{
	raise_stack();
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, CPU_SECONDS);
	limit(RLIMIT_FSIZE, FILE_SIZE);
	if (!__asan_init)
		limit(RLIMIT_AS, ADDRESS_SPACE);
}

// Signals are blocked when this begins, so that none meets the parent's handlers in the child.
static void reset_signals(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		sigaction(number, &standard, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

// Puts the channels at their numbers and closes the rest.
static int keep_files(const struct ebs_child_channels *channels)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int wanted[] = { null,
			 null,
			 channels->errors[1],
			 channels->object,
			 channels->messages,
			 channels->input,
			 channels->go[0] };
	const int count = sizeof(wanted) / sizeof(wanted[0]);

	if (null < 0)
		return -errno;

	// First out of the way of their numbers to come, as a host may run without 0 to 2.
	for (int fd = 0; fd < count; fd++) {
		wanted[fd] = fcntl(wanted[fd], F_DUPFD, count);
		if (wanted[fd] < 0)
			return -errno;
	}
	for (int fd = 0; fd < count; fd++)
		if (dup2(wanted[fd], fd) < 0)
			return -errno;
	ebs_close_from(count);
	return 0;
}

static _Noreturn void give_up(int errors, const char *what, int result)
{
	dprintf(errors, "it can't set up %s: %s\n", what, strerror(-result));
	_exit(EXIT_FAILURE);
}

static void tell_end(int status)
{
	struct ebs_child_end end = { .status = W_EXITCODE(status, 0) };

	getrusage(RUSAGE_SELF, &end.usage);
	send(EBS_CHILD_GO, &end, sizeof(end), MSG_NOSIGNAL);
	close(EBS_CHILD_ERRORS);
}

_Noreturn void ebs_child_live(pid_t parent, const struct ebs_child_channels *channels,
			      ebs_child_function *function, const void *context)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) // it died before it could be watched
		_exit(EXIT_FAILURE);
	int result = keep_files(channels);
	if (result)
		give_up(channels->errors[1], "its files", result);
	set_limits();
	clearenv(); // a compile depends on what its key in the cache has, and on nothing else
	reset_signals();
	result = ebs_confine();
	if (result)
		give_up(EBS_CHILD_ERRORS, "its limits", result);
	int status = function(context);
	tell_end(status);
	// No exit handlers: they are the parent's, or look for leaks that nobody minds.
	_exit(status);
}

const char *ebs_child_take(size_t *size)
{
	struct stat status;
	char go;
	ssize_t got;

	do
		got = recv(EBS_CHILD_GO, &go, 1, 0);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		errno = ENODATA;
	if (got <= 0 || fstat(EBS_CHILD_INPUT, &status))
		return NULL;
	*size = status.st_size;
	char *data =
		mmap(NULL, *size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED || pread(EBS_CHILD_INPUT, data, *size, 0) != (ssize_t)*size)
		return NULL;
	close(EBS_CHILD_INPUT);
	return data;
}

int ebs_child_write(enum ebs_child_fd fd, const char *data, size_t size)
{
	return ebs_write_all(fd, data, size);
}
