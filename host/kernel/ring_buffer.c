// SPDX-License-Identifier: GPL-2.0-only
// The reader of BPF_MAP_TYPE_RINGBUF, on the memory that the kernel shares.
//
// The buffer's positions only grow; a position's place is its remainder. The kernel maps the data
// twice, one behind the other, so a sample that goes over the end reads on without a gap.
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/shared.h"
#include "kernel/ring_private.h"

// Bytes by which memory is asked for before it is read: samples come once, in no cache, and the
// processor's own foresight ends at each page.
#define AHEAD 1024

struct ring_buffer_reader {
	struct ebs_ring ring;
	unsigned long *consumer;       // a page of its own; everything before it is free
	const unsigned long *producer; // a page; behind it, the data
	const uint8_t *data;
	unsigned long mask;
	unsigned long first; // where the reading began
	unsigned long position;
	unsigned long last;    // where the producer was then
	unsigned long largest; // record of this reading, bytes
	unsigned long highest; // bytes that the buffer held at once, as far as this reading saw
	unsigned long look_at; // the position from which on to look again
};

static size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static size_t producer_bytes(const struct ebs_ring *ring)
{
	return page_size() + 2 * ring->capacity;
}

static void reader_free(struct ebs_ring *ring)
{
	struct ring_buffer_reader *reader = (struct ring_buffer_reader *)ring;

	if (reader->consumer)
		munmap(reader->consumer, page_size());
	if (reader->producer)
		munmap((void *)reader->producer, producer_bytes(ring));
	if (ring->fd >= 0)
		close(ring->fd);
	free(reader);
}

// Sees how full the buffer is. It is fullest before the consumer moves on.
static void look(struct ring_buffer_reader *reader)
{
	unsigned long held = ebs_shared_u64(reader->producer) - ebs_shared_u64(reader->consumer);

	if (held > reader->highest)
		reader->highest = held;
	reader->look_at = reader->position + reader->ring.capacity / 16;
}

// The release pairs with the producer's acquire: it must not write over what is still being read.
static void publish(struct ring_buffer_reader *reader, unsigned long position)
{
	__atomic_store_n(reader->consumer, position, __ATOMIC_RELEASE);
}

// Whether a record can begin at `position`, with the producer at `last`.
static bool is_position(const struct ring_buffer_reader *reader, unsigned long position,
			unsigned long last)
{
	return last - position <= reader->ring.capacity && position % BPF_RINGBUF_HDR_SZ == 0;
}

// Leaves what can't be records: another process has moved the consumer's position, or worse.
static void skip(struct ring_buffer_reader *reader)
{
	reader->position = reader->last;
	reader->ring.map->garbled++;
	publish(reader, reader->last);
}

static void reader_begin(struct ebs_ring *ring)
{
	struct ring_buffer_reader *reader = (struct ring_buffer_reader *)ring;

	// Only readers write it: another process may have read through a pinned map meanwhile.
	reader->position = ebs_shared_u64(reader->consumer);
	reader->first = reader->position;
	reader->largest = 0;
	reader->highest = 0;
	reader->last = ebs_shared_u64_acquire(reader->producer);
	if (!is_position(reader, reader->position, reader->last))
		skip(reader);
	look(reader);
}

static size_t reader_take(struct ebs_ring *ring, struct ebs_sample *samples, size_t limit)
{
	struct ring_buffer_reader *reader = (struct ring_buffer_reader *)ring;
	const uint8_t *data = reader->data;
	unsigned long mask = reader->mask;
	unsigned long last = reader->last;
	unsigned long largest = reader->largest;
	unsigned long position = reader->position;
	bool damaged = false;
	size_t count = 0;

	if (position >= reader->look_at)
		look(reader);
	publish(reader, position);
	while (position < last && count < limit) {
		const uint8_t *header = data + (position & mask);
		// The bit BUSY goes away by a store after which the sample is complete.
		uint32_t length = ebs_shared_u32_acquire(header);

		if (length & BPF_RINGBUF_BUSY_BIT) {
			ring->busy = true;
			break;
		}
		if (last - position > AHEAD)
			__builtin_prefetch(header + AHEAD);
		uint32_t size = length & ~BPF_RINGBUF_DISCARD_BIT;
		unsigned long record = (BPF_RINGBUF_HDR_SZ + (unsigned long)size + 7) & ~7ul;

		if (record > last - position) {
			damaged = true;
			break;
		}
		position += record;
		if (record > largest)
			largest = record;
		if (!(length & BPF_RINGBUF_DISCARD_BIT))
			samples[count++] =
				(struct ebs_sample){ header + BPF_RINGBUF_HDR_SZ, size, position };
	}
	reader->position = position;
	reader->largest = largest;
	if (damaged && !count)
		skip(reader);
	else if (!count) // what was discarded is free, too
		publish(reader, position);
	return count;
}

static size_t reader_end(struct ebs_ring *ring, const struct ebs_sample *last)
{
	struct ring_buffer_reader *reader = (struct ring_buffer_reader *)ring;

	look(reader);
	if (last)
		publish(reader, last->end);
	// One more of its samples would not have had room: the kernel never fills the last byte.
	if (reader->largest && reader->highest + reader->largest >= ring->capacity)
		ring->map->full++;
	return ebs_shared_u64(reader->consumer) - reader->first;
}

static bool reader_is_waiting(const struct ebs_ring *ring)
{
	const struct ring_buffer_reader *reader = (const struct ring_buffer_reader *)ring;
	unsigned long position = ebs_shared_u64(reader->consumer);
	unsigned long last = ebs_shared_u64_acquire(reader->producer);

	if (position == last)
		return false;
	if (!is_position(reader, position, last))
		return true; // a reading sees to it
	const uint8_t *header = reader->data + (position & reader->mask);

	return !(ebs_shared_u32_acquire(header) & BPF_RINGBUF_BUSY_BIT);
}

static const struct ebs_ring_kind kind = {
	.free = reader_free,
	.begin = reader_begin,
	.take = reader_take,
	.end = reader_end,
	.is_waiting = reader_is_waiting,
};

static void *map_memory(int fd, size_t size, int protection, size_t offset)
{
	void *memory = mmap(NULL, size, protection, MAP_SHARED, fd, (off_t)offset);

	return memory == MAP_FAILED ? NULL : memory;
}

struct ebs_ring *ebs_ring_buffer_new(struct ebs_map *map)
{
	struct ring_buffer_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return NULL;
	struct ebs_ring *ring = &reader->ring;

	ring->kind = &kind;
	ring->map = map;
	ring->capacity = map->max_entries;
	reader->mask = ring->capacity - 1;
	// A descriptor of its own: who waits for it must not find it closed with the object.
	ring->fd = fcntl(map->fd, F_DUPFD_CLOEXEC, 0);
	if (ring->fd >= 0) {
		reader->consumer = map_memory(ring->fd, page_size(), PROT_READ | PROT_WRITE, 0);
		reader->producer =
			map_memory(ring->fd, producer_bytes(ring), PROT_READ, page_size());
	}
	if (!reader->consumer || !reader->producer) {
		int number = errno;

		reader_free(ring);
		errno = number;
		return NULL;
	}
	reader->data = (const uint8_t *)reader->producer + page_size();
	return ring;
}
