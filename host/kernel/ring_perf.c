// SPDX-License-Identifier: GPL-2.0-only
// The reader of BPF_MAP_TYPE_PERF_EVENT_ARRAY: a perf buffer for each CPU that is online.
//
// libbpf opens and maps the buffers; they are read here, as a callback of libbpf's could not be
// left by a Lua error.
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernel/perf_memory.h"
#include "kernel/ring_private.h"

#define DEFAULT_CAPACITY (64 * 1024) // bytes for each CPU

struct cpu_buffer {
	struct ebs_perf_memory memory;
	uint64_t lost; // samples that the kernel had no room for, as far as it has told
	int fd;
};

struct perf_reader {
	struct ebs_ring ring;
	struct perf_buffer *handle;
	int map_fd; // its own, as libbpf takes the buffers out of the map at the end
	struct cpu_buffer *buffers;
	size_t count;
	size_t current;                     // the buffer that is being read
	bool waiting;                       // a buffer has to be looked at again
	uint8_t whole[EBS_PERF_MAX_RECORD]; // a sample that goes over a buffer's end
};

static void reader_free(struct ebs_ring *ring)
{
	struct perf_reader *reader = (struct perf_reader *)ring;

	perf_buffer__free(reader->handle);
	if (reader->map_fd >= 0)
		close(reader->map_fd);
	free(reader->buffers);
	free(reader);
}

static void reader_begin(struct ebs_ring *ring)
{
	struct perf_reader *reader = (struct perf_reader *)ring;

	for (size_t i = 0; i < reader->count; i++)
		ebs_perf_memory_begin(&reader->buffers[i].memory);
	reader->current = 0;
}

// Takes `lost` for the number of samples that this CPU has lost in all.
static void set_lost(struct perf_reader *reader, struct cpu_buffer *buffer, uint64_t lost)
{
	if (lost <= buffer->lost)
		return;
	reader->ring.map->lost += lost - buffer->lost;
	buffer->lost = lost;
}

// What the memory has counted goes to the map.
static void take_counts(struct perf_reader *reader, struct cpu_buffer *buffer)
{
	set_lost(reader, buffer, buffer->lost + buffer->memory.reported);
	reader->ring.map->garbled += buffer->memory.garbled;
	buffer->memory.reported = 0;
	buffer->memory.garbled = 0;
}

// The buffers, one after the other: samples of one CPU come in their order, those of several don't.
static size_t reader_take(struct ebs_ring *ring, struct ebs_sample *samples, size_t limit)
{
	struct perf_reader *reader = (struct perf_reader *)ring;

	for (; reader->current < reader->count; reader->current++) {
		struct cpu_buffer *buffer = &reader->buffers[reader->current];
		size_t count = ebs_perf_memory_take(&buffer->memory, reader->whole, samples, limit);

		take_counts(reader, buffer);
		if (count)
			return count;
	}
	return 0;
}

static size_t reader_end(struct ebs_ring *ring, const struct ebs_sample *last)
{
	struct perf_reader *reader = (struct perf_reader *)ring;
	size_t bytes = 0;

	if (last)
		ebs_perf_memory_publish(&reader->buffers[reader->current].memory, last->end);
	reader->waiting = false;
	for (size_t i = 0; i < reader->count; i++) {
		const struct ebs_perf_memory *memory = &reader->buffers[i].memory;

		bytes += memory->tail - memory->first;
		reader->waiting |= memory->suspected;
	}
	return bytes;
}

static bool reader_is_waiting(const struct ebs_ring *ring)
{
	return ((const struct perf_reader *)ring)->waiting;
}

// The kernel tells of a loss in the buffer itself, once it has room again; read(2) tells at once.
static void count_lost(struct ebs_ring *ring)
{
	struct perf_reader *reader = (struct perf_reader *)ring;

	for (size_t i = 0; i < reader->count; i++) {
		struct cpu_buffer *buffer = &reader->buffers[i];
		struct {
			uint64_t value;
			uint64_t lost;
		} now;

		if (read(buffer->fd, &now, sizeof(now)) == sizeof(now))
			set_lost(reader, buffer, now.lost);
		ebs_perf_memory_look(&buffer->memory);
		take_counts(reader, buffer);
	}
}

static const struct ebs_ring_kind kind = {
	.free = reader_free,
	.begin = reader_begin,
	.take = reader_take,
	.end = reader_end,
	.is_waiting = reader_is_waiting,
	.count_lost = count_lost,
};

// Never called: the buffers are read here.
static enum bpf_perf_event_ret on_record(void *context, int cpu, struct perf_event_header *header)
{
	return LIBBPF_PERF_EVENT_DONE;
}

static struct perf_buffer *open_buffers(int fd, size_t pages)
{
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
		.sample_period = 1,
		.wakeup_events = 1,
		.read_format = PERF_FORMAT_LOST,
	};
	struct perf_buffer *handle =
		perf_buffer__new_raw(fd, pages, &attributes, on_record, NULL, NULL);

	if (handle || errno != EINVAL)
		return handle;
	attributes.read_format = 0; // a kernel before 6.0
	return perf_buffer__new_raw(fd, pages, &attributes, on_record, NULL, NULL);
}

static int describe(struct perf_reader *reader)
{
	size_t page = sysconf(_SC_PAGESIZE);

	reader->count = perf_buffer__buffer_cnt(reader->handle);
	reader->buffers = calloc(reader->count + 1, sizeof(*reader->buffers));
	if (!reader->buffers)
		return -ENOMEM;
	for (size_t i = 0; i < reader->count; i++) {
		struct cpu_buffer *buffer = &reader->buffers[i];
		void *memory;
		size_t size;
		int result = perf_buffer__buffer(reader->handle, (int)i, &memory, &size);

		if (result)
			return result;
		ebs_perf_memory_open(&buffer->memory, memory, page, size);
		buffer->fd = perf_buffer__buffer_fd(reader->handle, i);
	}
	return 0;
}

struct ebs_ring *ebs_perf_ring_new(struct ebs_map *map)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t capacity = map->buffer_size ? map->buffer_size : DEFAULT_CAPACITY;
	struct perf_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return NULL;

	reader->ring.kind = &kind;
	reader->ring.map = map;
	reader->ring.capacity = capacity < page ? page : capacity;
	map->buffer_size = reader->ring.capacity;
	reader->map_fd = fcntl(map->fd, F_DUPFD_CLOEXEC, 0);
	if (reader->map_fd >= 0)
		reader->handle = open_buffers(reader->map_fd, reader->ring.capacity / page);
	int result = reader->handle ? describe(reader) : -errno;
	if (result) {
		reader_free(&reader->ring);
		errno = -result;
		return NULL;
	}
	reader->ring.fd = perf_buffer__epoll_fd(reader->handle);
	return &reader->ring;
}
