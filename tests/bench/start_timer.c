// SPDX-License-Identifier: GPL-2.0-only
// Starts a tracer of exec and finds out when the kernel first ran its program.
//
//	start_timer COMMAND [ARGS...]
//
// From the start on it tries to execute a file that doesn't exist, every 20 us or so. The tracer
// prints a line for each attempt that it sees, with the kernel's time (CLOCK_MONOTONIC,
// nanoseconds) in front and the file's name in it. Prints, of the first such line: ns from the
// start to that time, ns from the start to the line's arrival here; then the tracer's resident
// memory 0.2 s later and the most that it ever had (or a child of it), in KiB. Small on purpose:
// the peak of a child counts from what its parent had.
#define _GNU_SOURCE // pipe2()
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MARKER   "/ebscript-bench-start" // must not exist
#define PERIOD   20000                   // ns between attempts, beside what a timer takes
#define PATIENCE 60000000000             // ns
#define SETTLE   200000000               // ns until the memory is looked at

extern char **environ;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// What the tracer has printed and no line of it was looked at yet.
struct output {
	int fd;
	char text[1 << 16];
	size_t size;
	bool ended;
};

// True when a whole line with the marker has come; `ktime` is the number in its front.
static bool find_marker(struct output *output, int64_t *ktime)
{
	ssize_t got = read(output->fd, output->text + output->size,
			   sizeof(output->text) - 1 - output->size);

	if (got <= 0) {
		output->ended = got == 0 || (errno != EAGAIN && errno != EINTR);
		return false;
	}
	output->size += got;
	output->text[output->size] = '\0';
	for (char *line = output->text, *end; (end = strchr(line, '\n')); line = end + 1) {
		char *marker = strstr(line, MARKER);
		if (marker && marker < end) {
			*ktime = strtoll(line, NULL, 10);
			return true;
		}
	}
	if (output->size == sizeof(output->text) - 1)
		output->size = 0;
	return false;
}

static long resident(pid_t pid)
{
	char path[64];
	char line[256];
	long size = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "VmRSS: %ld", &size);
	if (file)
		fclose(file);
	return size;
}

static void pause_ns(int64_t duration)
{
	nanosleep(&(struct timespec){ duration / 1000000000, duration % 1000000000 }, NULL);
}

// Ends the tracer, by force when it takes longer than 5 s. Returns its peak of memory.
static long end(pid_t pid)
{
	struct rusage usage = { 0 };
	bool ended = false;
	int status = 0;

	kill(pid, SIGINT);
	for (int i = 0; i < 500 && !ended; i++) {
		ended = wait4(pid, &status, WNOHANG, &usage) != 0;
		if (!ended)
			pause_ns(10000000);
	}
	if (!ended) {
		fprintf(stderr, "start_timer: the tracer did not end within 5 s\n");
		kill(pid, SIGKILL);
		wait4(pid, &status, 0, &usage);
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGINT)
		fprintf(stderr, "start_timer: the tracer was killed by signal %d\n",
			WTERMSIG(status));
	return usage.ru_maxrss;
}

int main(int argc, char **argv)
{
	static struct output output;
	char *nothing[] = { MARKER, NULL };
	posix_spawn_file_actions_t actions;
	int64_t ktime = 0;
	int ends[2];
	pid_t pid;

	if (argc < 2 || pipe2(ends, O_CLOEXEC) || fcntl(ends[0], F_SETFL, O_NONBLOCK))
		return 2;
	output.fd = ends[0];
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);

	int64_t start = now_ns();
	int error = posix_spawnp(&pid, argv[1], &actions, NULL, argv + 1, environ);
	if (error) {
		fprintf(stderr, "start_timer: %s: %s\n", argv[1], strerror(error));
		return 2;
	}
	close(ends[1]);
	prctl(PR_SET_TIMERSLACK, 1); // ns; not before the start, as the tracer would inherit it
	bool found = false;
	while (!(found = find_marker(&output, &ktime)) && !output.ended &&
	       now_ns() - start < PATIENCE) {
		execve(MARKER, nothing, nothing);
		pause_ns(PERIOD); // leaves the processor to others, a compiler for example
	}
	int64_t arrival = now_ns();
	pause_ns(SETTLE);
	long memory = resident(pid);
	long peak = end(pid);
	if (!found || memory < 0) {
		fprintf(stderr, "start_timer: %s: no event was seen\n", argv[1]);
		return 1;
	}
	printf("%lld %lld %ld %ld\n", (long long)(ktime - start), (long long)(arrival - start),
	       memory, peak);
	return 0;
}
