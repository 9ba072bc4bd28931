// SPDX-License-Identifier: GPL-2.0-only
// The same as rows.lua in C: rows_c WAY OBJECT COUNT ROUNDS. Prints ns of CPU a row on stderr.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct event {
	char comm[16];
	uint32_t pid;
	uint32_t tid;
	int32_t call;
	uint64_t ktime;
};

static char buffer[64 * 1024];
static size_t used;

static void flush(void)
{
	for (size_t done = 0; done < used;) {
		ssize_t written = write(STDOUT_FILENO, buffer + done, used - done);
		if (written < 0)
			exit(1);
		done += written;
	}
	used = 0;
}

static char *put_text(char *to, const char *text, size_t size, size_t width)
{
	memcpy(to, text, size);
	to += size;
	for (; size <= width; size++)
		*to++ = ' ';
	return to;
}

static size_t digits(char text[20], uint64_t value)
{
	size_t size = 0;
	char turned[20];

	do
		turned[size++] = '0' + value % 10;
	while (value /= 10);
	for (size_t i = 0; i < size; i++)
		text[i] = turned[size - 1 - i];
	return size;
}

static char *put_number(char *to, uint64_t value, size_t width, int right)
{
	char text[20];
	size_t size = digits(text, value);

	if (!right)
		return put_text(to, text, size, width);
	for (size_t i = size; i < width; i++)
		*to++ = ' ';
	memcpy(to, text, size);
	return to + size;
}

static int by_hand(void *context, void *data, size_t size)
{
	const struct event *event = data;

	if (sizeof(buffer) - used < 256)
		flush();
	char *to = buffer + used;
	to = put_text(to, event->comm, strnlen(event->comm, 16), 16);
	to = put_number(to, event->pid, 7, 0);
	to = put_number(to, event->tid, 7, 0);
	to = put_number(to, event->call, 4, 1);
	*to++ = ' ';
	to = put_number(to, event->ktime, 15, 1);
	*to++ = '\n';
	used = to - buffer;
	return 0;
}

static int by_fprintf(void *context, void *data, size_t size)
{
	const struct event *event = data;

	fprintf(stdout, "%-16s %-7u %-7u %4d %15llu\n", event->comm, event->pid, event->tid,
		event->call, (unsigned long long)event->ktime);
	return 0;
}

static int count_only(void *context, void *data, size_t size)
{
	used += ((const struct event *)data)->pid == 0;
	return 0;
}

static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	ring_buffer_sample_fn print = strcmp(argv[1], "hand") == 0      ? by_hand
				      : strcmp(argv[1], "fprintf") == 0 ? by_fprintf
									: count_only;
	int count = atoi(argv[3]);
	struct bpf_object *object = bpf_object__open(argv[2]);
	if (!object || bpf_object__load(object))
		return 1;
	int program = bpf_program__fd(bpf_object__find_program_by_name(object, "fill"));
	struct ring_buffer *ring = ring_buffer__new(
		bpf_object__find_map_fd_by_name(object, "events"), print, NULL, NULL);
	if (program < 0 || !ring)
		return 1;
	setvbuf(stdout, NULL, _IOFBF, sizeof(buffer));
	for (int i = 0; i < atoi(argv[4]); i++) {
		char packet[60] = { 0 };
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet,
			    .data_size_in = sizeof(packet), .repeat = count);
		if (bpf_prog_test_run_opts(program, &options))
			return 1;
		double start = cpu_ns();
		int events = ring_buffer__consume(ring);
		flush();
		fflush(stdout);
		fprintf(stderr, "%.2f\n", (cpu_ns() - start) / count);
		if (events != count)
			return 1;
	}
	return 0;
}
