// SPDX-License-Identifier: GPL-2.0-only
// The C rows of `bench events`, on libbpf; and the producer of single events.
// events_c PLAIN WAKES (ids of ring buffers), or events_c - PROGRAM... (ids; the one named "wake").
#include <bpf/libbpf.h>
#include <sys/epoll.h>

#include "events.h"

static uint64_t sum;
static bool ended;

static int on_event(void *context, void *data, size_t size)
{
	const struct event *event = data;

	sum += event->pid + event->latency;
	if (event->ret)
		ended = true;
	return 0;
}

static uint64_t *waits;
static size_t wait_count;

static int on_wake(void *context, void *data, size_t size)
{
	const struct event *event = data;

	waits[wait_count++] = now() - event->ktime;
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a;
	uint64_t two = *(const uint64_t *)b;

	return one < two ? -1 : one > two;
}

// One epoll instance with the buffer itself in it, as the host has it.
static void wait_for(struct ring_buffer *ring, int fd, size_t count)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	uint64_t cpu = cpu_time();

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		err(1, "epoll");
	waits = calloc(count + 4096, sizeof(*waits));
	for (wait_count = 0; wait_count < count;) {
		if (epoll_wait(epoll, &event, 1, -1) < 0 || ring_buffer__consume(ring) < 0)
			err(1, "waiting");
	}
	cpu = cpu_time() - cpu;
	qsort(waits, wait_count, sizeof(*waits), compare);
	printf("%zu %llu %llu %llu\n", wait_count, (unsigned long long)waits[(wait_count - 1) / 2],
	       (unsigned long long)waits[(wait_count * 9 + 9) / 10 - 1], (unsigned long long)cpu);
	fflush(stdout);
	free(waits);
	close(epoll);
}

static struct ring_buffer *open_ring(int fd, ring_buffer_sample_fn callback)
{
	struct ring_buffer *ring = ring_buffer__new(fd, callback, NULL, NULL);

	if (!ring)
		err(1, "ring buffer");
	return ring;
}

static void consume(char **ids)
{
	int wakes_fd = open_map(ids[1]);
	struct ring_buffer *plain = open_ring(open_map(ids[0]), on_event);
	struct ring_buffer *wakes = open_ring(wakes_fd, on_wake);
	char command[16];
	size_t count = 0;

	while (scanf("%15s %zu", command, &count) == 2) {
		if (strcmp(command, "wait") == 0) {
			wait_for(wakes, wakes_fd, count);
			continue;
		}
		uint64_t start = cpu_time();
		sum = 0;
		ended = false;
		int events = ring_buffer__consume(plain);
		uint64_t end = cpu_time();
		if (!ended)
			errx(1, "the last event is missing");
		answer(events, end - start, sum);
	}
}

static int open_program(char **ids, const char *name)
{
	for (; *ids; ids++) {
		int fd = bpf_prog_get_fd_by_id((uint32_t)strtoul(*ids, NULL, 10));
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
			err(1, "program %s", *ids);
		if (strcmp(info.name, name) == 0)
			return fd;
		close(fd);
	}
	errx(1, "no program %s", name);
}

// "COUNT NS": so many events, one every so many ns; 0 ns for as fast as it goes. Waits a little
// before, so that the consumer is asleep when the first one comes.
static void produce(int program)
{
	unsigned long count;
	unsigned long interval;

	while (scanf("%lu %lu", &count, &interval) == 2) {
		LIBBPF_OPTS(bpf_test_run_opts, options);
		struct timespec pause = { .tv_nsec = 20000000 };

		nanosleep(&pause, NULL);
		uint64_t next = now();
		for (unsigned long i = 0; i < count; i++) {
			next += interval;
			if (interval >= 100000)
				nanosleep(&(struct timespec){ .tv_nsec = (long)interval }, NULL);
			else
				while (now() < next)
					;
			if (bpf_prog_test_run_opts(program, &options))
				err(1, "running the program");
		}
		answer(count, 0, 0);
	}
}

int main(int argc, char **argv)
{
	if (argc < 3)
		errx(2, "usage: events_c PLAIN WAKES | events_c - PROGRAM...");
	if (strcmp(argv[1], "-") == 0)
		produce(open_program(argv + 2, "wake"));
	else
		consume(argv + 1);
	return 0;
}
