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
#include <string.h>
#include <unistd.h>

#include "kernel/ring_private.h"

#define DEFAULT_CAPACITY (64 * 1024) // bytes for each CPU
#define MAX_RECORD       (64 * 1024) // a record tells its size in 16 bits

// The buffer of one CPU. Positions only grow; a position's place is its remainder.
struct cpu_buffer {
	struct perf_event_mmap_page *page; // behind it, the data
	const uint8_t *data;
	uint64_t size;
	uint64_t first; // where the reading began
	uint64_t position;
	uint64_t last; // the kernel's position when the reading began
	uint64_t lost; // samples that the kernel had no room for, as far as it has told
	int fd;
};

struct perf_reader {
	struct ebs_ring ring;
	struct perf_buffer *handle;
	int map_fd; // its own, as libbpf takes the buffers out of the map at the end
	struct cpu_buffer *buffers;
	size_t count;
	size_t current;            // the buffer that is being read
	uint8_t whole[MAX_RECORD]; // a record that goes over a buffer's end, in one piece
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

	for (size_t i = 0; i < reader->count; i++) {
		struct cpu_buffer *buffer = &reader->buffers[i];

		buffer->position = buffer->page->data_tail;
		buffer->first = buffer->position;
		buffer->last = __atomic_load_n(&buffer->page->data_head, __ATOMIC_ACQUIRE);
	}
	reader->current = 0;
}

static void publish(struct cpu_buffer *buffer, uint64_t position)
{
	__atomic_store_n(&buffer->page->data_tail, position, __ATOMIC_RELEASE);
}

// Takes `lost` for the number of samples that this CPU has lost in all.
static void set_lost(struct perf_reader *reader, struct cpu_buffer *buffer, uint64_t lost)
{
	if (lost <= buffer->lost)
		return;
	reader->ring.map->lost += lost - buffer->lost;
	buffer->lost = lost;
}

// The record at the current position, in one piece; moves on behind it. `*wraps`: in memory of the
// reader's that the next one may use again.
static const struct perf_event_header *next_record(struct perf_reader *reader,
						   struct cpu_buffer *buffer, bool *wraps)
{
	uint64_t place = buffer->position & (buffer->size - 1);
	const struct perf_event_header *header =
		(const struct perf_event_header *)(buffer->data + place);
	uint64_t room = buffer->size - place;
	uint16_t size = header->size;

	buffer->position += size;
	*wraps = size > room;
	if (!*wraps)
		return header;
	memcpy(reader->whole, header, room);
	memcpy(reader->whole + room, buffer->data, size - room);
	return (const struct perf_event_header *)reader->whole;
}

static size_t take_from(struct perf_reader *reader, struct cpu_buffer *buffer,
			struct ebs_sample *samples, size_t limit)
{
	size_t count = 0;
	bool wraps = false;

	publish(buffer, buffer->position);
	while (buffer->position < buffer->last && count < limit && !wraps) {
		const struct perf_event_header *header = next_record(reader, buffer, &wraps);
		const uint8_t *body = (const uint8_t *)(header + 1);
		uint64_t lost;
		uint32_t size;

		if (header->type == PERF_RECORD_SAMPLE) { // u32 size, bytes
			memcpy(&size, body, sizeof(size));
			samples[count++] =
				(struct ebs_sample){ body + sizeof(size), size, buffer->position };
		} else if (header->type == PERF_RECORD_LOST) { // u64 id, u64 lost
			memcpy(&lost, body + sizeof(uint64_t), sizeof(lost));
			set_lost(reader, buffer, buffer->lost + lost);
			wraps = false;
		}
	}
	return count;
}

// The buffers, one after the other: samples of one CPU come in their order, those of several don't.
static size_t reader_take(struct ebs_ring *ring, struct ebs_sample *samples, size_t limit)
{
	struct perf_reader *reader = (struct perf_reader *)ring;

	for (; reader->current < reader->count; reader->current++) {
		struct cpu_buffer *buffer = &reader->buffers[reader->current];
		size_t count = take_from(reader, buffer, samples, limit);

		if (count)
			return count;
		publish(buffer, buffer->position); // what told of losses is free, too
	}
	return 0;
}

static size_t reader_end(struct ebs_ring *ring, const struct ebs_sample *last)
{
	struct perf_reader *reader = (struct perf_reader *)ring;
	size_t bytes = 0;

	if (last)
		publish(&reader->buffers[reader->current], last->end);
	for (size_t i = 0; i < reader->count; i++)
		bytes += reader->buffers[i].page->data_tail - reader->buffers[i].first;
	return bytes;
}

// The kernel tells of a loss in the buffer itself, once it has room again; read(2) tells at once.
static void count_lost(struct ebs_ring *ring)
{
	struct perf_reader *reader = (struct perf_reader *)ring;

	for (size_t i = 0; i < reader->count; i++) {
		struct {
			uint64_t value;
			uint64_t lost;
		} now;

		if (read(reader->buffers[i].fd, &now, sizeof(now)) == sizeof(now))
			set_lost(reader, &reader->buffers[i], now.lost);
	}
}

static const struct ebs_ring_kind kind = {
	.free = reader_free,
	.begin = reader_begin,
	.take = reader_take,
	.end = reader_end,
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
		.sample_type = PERF_SAMPLE_RAW,
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
		buffer->page = memory;
		buffer->data = (uint8_t *)memory + page;
		buffer->size = size;
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
