// SPDX-License-Identifier: GPL-2.0-only
// Executes programs in the way that a test asks for on standard input, and answers with what became
// of it.
//
// A request is "KIND COUNT SIZE\n" and SIZE bytes: the path and COUNT arguments, each with a NUL
// behind it. The answer is "PID ERRNO\n": the child that tried, and 0 or why it failed. A request
// of the kind "burst" has the arguments PROCESSES, TIMES, TAG and is answered with "SUCCESSES
// FAILURES\n".
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void die(const char *what)
{
	perror(what);
	_exit(3);
}

struct request {
	char kind[16];
	char *path;
	char **argv;
	int count;
	char *block;
};

static bool read_request(struct request *request)
{
	size_t size;

	if (scanf("%15s %d %zu", request->kind, &request->count, &size) != 3 || getchar() != '\n')
		return false;
	request->block = calloc(1, size + 1);
	request->argv = calloc(request->count + 1, sizeof(char *));
	if (!request->block || !request->argv || fread(request->block, 1, size, stdin) != size)
		die("request");

	char *next = request->block;
	request->path = next;
	for (int i = 0; i < request->count; i++) {
		next += strlen(next) + 1;
		request->argv[i] = next;
	}
	return true;
}

static int exec_plainly(const struct request *request)
{
	return execve(request->path, request->argv, environ);
}

static int exec_without_argv(const struct request *request)
{
	return syscall(SYS_execve, request->path, NULL, environ);
}

static int exec_with_bad_pointer(const struct request *request)
{
	request->argv[1] = (char *)8; // the first page is never there
	return exec_plainly(request);
}

static int exec_at(const struct request *request)
{
	return syscall(SYS_execveat, AT_FDCWD, request->path, request->argv, environ, 0);
}

static int exec_descriptor(const struct request *request)
{
	int fd = open(request->path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return fd;
	return syscall(SYS_execveat, fd, "", request->argv, environ, AT_EMPTY_PATH);
}

struct thread {
	const struct request *request;
	int failure; // the pipe's end
	pthread_barrier_t *start;
};

static void report_failure(int failure)
{
	int error = errno;

	if (write(failure, &error, sizeof(error)) != sizeof(error))
		die("pipe");
	_exit(1);
}

static void *exec_thread(void *data)
{
	struct thread *thread = data;

	exec_plainly(thread->request);
	report_failure(thread->failure);
	return NULL;
}

static void exec_in_thread(const struct request *request, int failure)
{
	struct thread thread = { request, failure, NULL };
	pthread_t id;

	if (pthread_create(&id, NULL, exec_thread, &thread))
		die("pthread_create");
	pthread_join(id, NULL); // ends with the process, or with the exec
}

static void *exec_rival(void *data)
{
	struct thread *thread = data;

	pthread_barrier_wait(thread->start);
	exec_plainly(thread->request);
	report_failure(thread->failure);
	return NULL;
}

// One wins, and ends the others inside their own execve().
static void exec_in_rivals(const struct request *request, int failure)
{
	pthread_barrier_t start;
	struct thread thread = { request, failure, &start };
	pthread_t id;

	pthread_barrier_init(&start, NULL, 4);
	for (int i = 0; i < 3; i++)
		if (pthread_create(&id, NULL, exec_rival, &thread))
			die("pthread_create");
	exec_rival(&thread);
}

static void *change_argument(void *data)
{
	volatile char *argument = data;

	for (;;)
		for (char letter = 'a'; letter <= 'z'; letter++)
			for (size_t i = 0; argument[i]; i++)
				argument[i] = letter;
	return NULL;
}

static int exec_while_changing(const struct request *request)
{
	volatile char *argument = request->argv[request->count - 1];
	char before = *argument;
	pthread_t id;

	if (pthread_create(&id, NULL, change_argument, (void *)argument))
		die("pthread_create");
	while (*argument == before)
		; // until the thread is at it
	return exec_plainly(request);
}

static const struct {
	const char *kind;
	int (*exec)(const struct request *request);
} kinds[] = {
	{ "execve", exec_plainly },
	{ "execveat", exec_at },
	{ "descriptor", exec_descriptor },
	{ "no-argv", exec_without_argv },
	{ "bad-pointer", exec_with_bad_pointer },
	{ "changing", exec_while_changing },
};

static void run_child(const struct request *request, int failure)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (!strcmp(request->kind, "thread"))
		exec_in_thread(request, failure);
	if (!strcmp(request->kind, "rivals"))
		exec_in_rivals(request, failure);
	errno = ENOSYS; // no such kind
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(request->kind, kinds[i].kind))
			kinds[i].exec(request);
	report_failure(failure);
}

// Gives 0 or why the exec failed; returns when the child has ended.
static int run_request(const struct request *request, pid_t *pid)
{
	int ends[2];
	int error = 0;

	if (pipe2(ends, O_CLOEXEC))
		die("pipe2");
	*pid = fork();
	if (*pid < 0)
		die("fork");
	if (!*pid)
		run_child(request, ends[1]);
	close(ends[1]);
	if (read(ends[0], &error, sizeof(error)) < 0)
		die("pipe");
	close(ends[0]);
	waitpid(*pid, NULL, 0);
	return error;
}

// One process of a burst: executes `path` with TAG, its own number and a count. Ends with the
// failures.
static void run_burst_process(const struct request *burst, int process, int times)
{
	char own[16];
	char turn[16];
	char *argv[] = { burst->path, burst->argv[2], own, turn, NULL };
	struct request request = {
		.kind = "execve", .path = burst->path, .argv = argv, .count = 4
	};
	int failures = 0;
	pid_t pid;

	snprintf(own, sizeof(own), "%d", process);
	for (int i = 0; i < times; i++) {
		snprintf(turn, sizeof(turn), "%d", i);
		failures += run_request(&request, &pid) != 0;
	}
	_exit(failures > 255 ? 255 : failures);
}

static void run_burst(const struct request *request)
{
	int processes = atoi(request->argv[0]);
	int times = atoi(request->argv[1]);
	int failures = 0;
	int status;

	for (int i = 0; i < processes; i++) {
		pid_t pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid)
			run_burst_process(request, i, times);
	}
	while (wait(&status) > 0)
		failures += WIFEXITED(status) ? WEXITSTATUS(status) : times;
	printf("%d %d\n", processes * times - failures, failures);
}

int main(void)
{
	struct request request;

	while (read_request(&request)) {
		if (!strcmp(request.kind, "burst")) {
			run_burst(&request);
		} else {
			pid_t pid;
			int error = run_request(&request, &pid);
			printf("%d %d\n", pid, error);
		}
		fflush(stdout);
		free(request.argv);
		free(request.block);
	}
	return 0;
}
