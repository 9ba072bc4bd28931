// SPDX-License-Identifier: GPL-2.0-only
// Runs a function in a child process that may die of it, and collects what it wrote.
#include "compile/child_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

#define ERRORS_SIZE  (64UL << 10) // bytes
#define ERRORS_LINES 5

static pid_t start(const struct ebs_child_channels *channels, ebs_child_function *function,
		   const void *context)
{
	pid_t parent = getpid();
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid_t pid = fork();
	if (pid == 0)
		ebs_child_live(parent, channels, function, context);
	int error = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = error;
	return pid;
}

// Reads until the child has closed its end, so that it never waits for a reader; keeps the start. A
// signal that ends the host's work ends the child's.
static int read_errors(pid_t pid, const struct ebs_child_channels *channels,
		       struct ebs_buffer *errors)
{
	char data[4096];

	for (;;) {
		ssize_t size = read(channels->errors[0], data, sizeof(data));
		if (size < 0 && errno == EINTR) {
			if (channels->interrupted && *channels->interrupted)
				kill(pid, SIGTERM);
			continue;
		}
		if (size <= 0)
			return size < 0 ? -errno : 0;
		if (errors->size < ERRORS_SIZE)
			ebs_buffer_append(errors, data, size);
	}
}

// Children that have told their end and are about to be gone.
static struct leaver {
	struct leaver *next;
	pid_t pid;
} * leavers;

static void reap(int options)
{
	struct leaver **link = &leavers;

	while (*link) {
		struct leaver *leaver = *link;
		pid_t gone;

		do
			gone = waitpid(leaver->pid, NULL, options);
		while (gone < 0 && errno == EINTR);
		if (gone == 0) {
			link = &leaver->next;
			continue;
		}
		*link = leaver->next;
		free(leaver);
	}
}

void ebs_child_reap(void)
{
	reap(0);
}

// Whether the child has told its end; without it, it was killed or ended by a library.
static bool hear_end(pid_t pid, const struct ebs_child_channels *channels,
		     struct ebs_child_end *end)
{
	struct leaver *leaver = malloc(sizeof(*leaver));

	if (!leaver || recv(channels->go[1], end, sizeof(*end), MSG_DONTWAIT) != sizeof(*end)) {
		free(leaver);
		return false;
	}
	*leaver = (struct leaver){ leavers, pid };
	leavers = leaver;
	return true;
}

static int wait_for(pid_t pid, const struct ebs_child_channels *channels,
		    struct ebs_child_output *output)
{
	struct ebs_child_end end = { 0 };

	if (!hear_end(pid, channels, &end))
		while (wait4(pid, &end.status, 0, &end.usage) < 0)
			if (errno != EINTR)
				return -errno;
	long microseconds = end.usage.ru_utime.tv_usec + end.usage.ru_stime.tv_usec;
	output->status = end.status;
	output->peak = end.usage.ru_maxrss;
	output->seconds = end.usage.ru_utime.tv_sec + end.usage.ru_stime.tv_sec +
			  (microseconds + 500000) / 1000000;
	return 0;
}

static int read_file(int fd, struct ebs_buffer *buffer)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return ebs_buffer_read_fd(buffer, fd);
}

static int collect(pid_t pid, const struct ebs_child_channels *channels,
		   struct ebs_child_output *output)
{
	int error = read_errors(pid, channels, &output->errors);
	int wait_error = wait_for(pid, channels, output);

	if (!error)
		error = wait_error;
	if (!error)
		error = read_file(channels->object, &output->object);
	if (!error)
		error = read_file(channels->messages, &output->messages);
	if (!error && (output->errors.failed || output->object.failed || output->messages.failed))
		error = -ENOMEM;
	return error;
}

// Who ignores SIGCHLD never hears how a child ended; a host may inherit that. While any child runs,
// the signal is as it should be.
static struct {
	unsigned count;
	struct sigaction old;
} children;

static void mind_children(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };

	if (children.count++ > 0)
		return;
	sigaction(SIGCHLD, NULL, &children.old);
	if (children.old.sa_handler == SIG_IGN)
		sigaction(SIGCHLD, &standard, NULL);
}

static void forget_child(void)
{
	if (--children.count == 0)
		sigaction(SIGCHLD, &children.old, NULL);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_channels(struct ebs_child_channels *channels)
{
	close_fd(&channels->object);
	close_fd(&channels->messages);
	close_fd(&channels->errors[0]);
	close_fd(&channels->errors[1]);
	close_fd(&channels->input);
	close_fd(&channels->go[0]);
	close_fd(&channels->go[1]);
}

static int open_channels(struct ebs_child_channels *channels)
{
	channels->object = memfd_create("object", MFD_CLOEXEC);
	channels->messages = memfd_create("messages", MFD_CLOEXEC);
	channels->input = memfd_create("input", MFD_CLOEXEC);
	if (channels->object < 0 || channels->messages < 0 || channels->input < 0 ||
	    pipe2(channels->errors, O_CLOEXEC) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channels->go))
		return -errno;
	return 0;
}

struct ebs_child {
	struct ebs_child_channels channels;
	pid_t pid;
};

struct ebs_child *ebs_child_start(ebs_child_function *function, const void *context,
				  const volatile sig_atomic_t *interrupted, struct ebs_error *error)
{
	struct ebs_child *child = calloc(1, sizeof(*child));
	if (!child) {
		ebs_error_errno(error, ENOMEM, "cannot start a process for the compiler");
		return NULL;
	}
	child->channels =
		(struct ebs_child_channels){ -1, -1, { -1, -1 }, -1, { -1, -1 }, interrupted };
	int result = open_channels(&child->channels);
	if (result) {
		ebs_error_errno(error, result, "cannot make the files that the compiler writes to");
		goto free_child;
	}
	mind_children();
	child->pid = start(&child->channels, function, context);
	if (child->pid < 0) {
		ebs_error_errno(error, errno, "cannot start a process for the compiler");
		forget_child();
		goto free_child;
	}
	// The child's own are the last: reading ends as it does.
	close_fd(&child->channels.errors[1]);
	close_fd(&child->channels.go[0]);
	return child;

free_child:
	close_channels(&child->channels);
	free(child);
	return NULL;
}

int ebs_child_give(struct ebs_child *child, const void *data, size_t size)
{
	int result = ebs_write_all(child->channels.input, data, size);

	// A child that has died is seen when it is finished; it must not end the host by SIGPIPE.
	if (!result && send(child->channels.go[1], "", 1, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		result = -errno;
	return result;
}

int ebs_child_finish(struct ebs_child *child, struct ebs_child_output *output,
		     struct ebs_error *error)
{
	*output = (struct ebs_child_output){ 0 };
	reap(WNOHANG);
	shutdown(child->channels.go[1], SHUT_WR); // nothing more comes
	int result = collect(child->pid, &child->channels, output);

	if (result)
		ebs_error_errno(error, result, "cannot read what the compiler wrote");
	forget_child();
	close_channels(&child->channels);
	free(child);
	return result;
}

void ebs_child_output_free(struct ebs_child_output *output)
{
	ebs_buffer_free(&output->object);
	ebs_buffer_free(&output->messages);
	ebs_buffer_free(&output->errors);
}

// "3.<tab>WHERE", of LLVM's list of what it was doing when it crashed; the last one is the closest.
static const char *take_place(const char *line)
{
	size_t digits = strspn(line, "0123456789");

	return digits && line[digits] == '.' && line[digits + 1] == '\t' ? line + digits + 2 : NULL;
}

// Appends where in the C it was, and the first lines of standard error, without what is meant for
// LLVM's own developers.
static void append_last_words(struct ebs_buffer *text, const struct ebs_buffer *errors)
{
	static const char *const noise[] = { "PLEASE ", "Stack dump", "#" };
	const char *line = errors->data ? errors->data : "";
	struct ebs_buffer words = { 0 };
	const char *place = NULL;

	for (int lines = 0; *line;) {
		size_t size = strcspn(line, "\n");
		const char *where = take_place(line);
		bool skip = where || size == 0 || *line == ' '; // dumps are indented
		place = where ? where : place;
		for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++)
			skip |= strncmp(line, noise[i], strlen(noise[i])) == 0;
		if (!skip && lines++ < ERRORS_LINES) {
			ebs_buffer_append_string(&words, words.size ? "\n" : ": ");
			ebs_buffer_append(&words, line, size);
		}
		line += size + (line[size] == '\n');
	}
	if (place) {
		ebs_buffer_append_string(text, " at ");
		ebs_buffer_append(text, place, strcspn(place, "\n"));
	}
	ebs_buffer_append(text, words.data, words.size);
	ebs_buffer_free(&words);
}

int ebs_child_explain(const struct ebs_child_output *output, struct ebs_error *error)
{
	struct ebs_buffer words = { 0 };
	int number = WIFSIGNALED(output->status) ? WTERMSIG(output->status) : 0;
	int result;

	if (number == SIGINT || number == SIGTERM)
		return ebs_error_explain(error, EINTR, "interrupted");
	if (number == SIGXCPU)
		return ebs_error_set(error, "COMPILER",
				     "the compiler was stopped after %ld s of CPU time",
				     output->seconds);
	append_last_words(&words, &output->errors);
	if (number == SIGABRT && words.data && strstr(words.data, "out of memory"))
		result = ebs_error_set(error, "COMPILER", "the compiler ran out of memory");
	else if (number)
		result = ebs_error_set(error, "COMPILER",
				       "the compiler was killed by signal %d (%s)%s", number,
				       strsignal(number), words.data ? words.data : "");
	else
		result = ebs_error_set(error, "COMPILER", "the compiler failed%s",
				       words.data ? words.data : "");
	ebs_buffer_free(&words);
	return result;
}
