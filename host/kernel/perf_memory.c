// SPDX-License-Identifier: GPL-2.0-only
// Records of a perf buffer. No length in them is believed.
//
// The kernel has a record's length in 16 bits. Of a sample that makes it 64 KiB or more it reserves
// only the remainder, and writes all of its bytes: over what is free, then over what was not read
// yet, in a small buffer over the sample's own header. Whoever chose the sample's bytes has then
// chosen what lies there.
//
// The kernel never fills a buffer: the eight bytes before the reader's position stay as they are.
// What goes on from the free part into the unread one goes through them. While they are what they
// were, and each record begins where the one before it ends, nothing unread was written over.
#include "kernel/perf_memory.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#include "base/shared.h"

#define ALIGNMENT   8 // of records; so a header is in one piece
#define HEADER      sizeof(struct perf_event_header)
#define SAMPLE_SIZE (HEADER + sizeof(uint64_t))      // behind the time: a size in 32 bits
#define SAMPLE_DATA (SAMPLE_SIZE + sizeof(uint32_t)) // and then so many bytes
#define LOST_COUNT  (HEADER + sizeof(uint64_t))      // behind an id
#define LOST_LENGTH (LOST_COUNT + sizeof(uint64_t))

// A record's header, read at once.
union header {
	uint64_t word;
	struct perf_event_header fields;
};

enum record_kind { SAMPLE, LARGE_SAMPLE, LOST, OTHER, NO_RECORD };

struct record {
	enum record_kind kind;
	uint32_t length;  // of the record, bytes; never 0 of what is one
	uint32_t payload; // of a sample, bytes
};

static const uint8_t *place(const struct ebs_perf_memory *memory, uint64_t position)
{
	return memory->data + (position & (memory->size - 1));
}

static uint64_t head(const struct ebs_perf_memory *memory)
{
	return ebs_shared_u64_acquire(&memory->page->data_head) & ~(uint64_t)(ALIGNMENT - 1);
}

static uint64_t bytes_before(const struct ebs_perf_memory *memory, uint64_t position)
{
	return ebs_shared_u64(place(memory, position - ALIGNMENT));
}

static bool is_intact(const struct ebs_perf_memory *memory)
{
	return bytes_before(memory, memory->tail) == memory->mark;
}

static void give_back(struct ebs_perf_memory *memory, uint64_t position, uint64_t mark)
{
	memory->tail = position;
	memory->mark = mark;
	__atomic_store_n(&memory->page->data_tail, position, __ATOMIC_RELEASE);
}

void ebs_perf_memory_open(struct ebs_perf_memory *memory, void *pages, size_t page, size_t size)
{
	*memory = (struct ebs_perf_memory){
		.page = pages,
		.data = (const uint8_t *)pages + page,
		.size = size,
	};
	memory->mark = bytes_before(memory, 0);
}

// The record at `position`, of which no more than `room` bytes were written.
static struct record read_record(const struct ebs_perf_memory *memory, uint64_t position,
				 uint64_t room)
{
	const struct record none = { .kind = NO_RECORD };
	union header header = { ebs_shared_u64(place(memory, position)) };
	struct record record = { .kind = OTHER, .length = header.fields.size };

	if (!record.length || record.length % ALIGNMENT || record.length > room)
		return none;
	if (header.fields.type == PERF_RECORD_LOST) {
		record.kind = LOST;
		return record.length < LOST_LENGTH ? none : record;
	}
	if (header.fields.type != PERF_RECORD_SAMPLE)
		return header.fields.type && header.fields.type < PERF_RECORD_MAX ? record : none;
	record.kind = LARGE_SAMPLE;
	if (record.length < SAMPLE_DATA)
		return record; // its size may be written over by the next record
	record.payload = ebs_shared_u32(place(memory, position + SAMPLE_SIZE));
	if (SAMPLE_DATA + (uint64_t)record.payload == record.length)
		record.kind = SAMPLE;
	else if ((uint16_t)(SAMPLE_DATA + record.payload) != record.length)
		return none; // the two lengths are never apart by anything but what has no room
	return record;
}

// How many samples there are from `position` to `end` when a record begins there and each ends
// where the next one begins; -1 when it isn't so. `seen` has a bit for each place of a record.
static int64_t count_samples(const struct ebs_perf_memory *memory, uint64_t position, uint64_t end,
			     uint8_t *seen)
{
	int64_t count = 0;

	while (position < end) {
		uint64_t bit = (position & (memory->size - 1)) / ALIGNMENT;
		struct record record = read_record(memory, position, end - position);

		if (record.kind == NO_RECORD || seen[bit / 8] >> bit % 8 & 1)
			return -1;
		seen[bit / 8] |= 1 << bit % 8;
		count += record.kind == SAMPLE || record.kind == LARGE_SAMPLE;
		position += record.length;
	}
	return count;
}

// How many samples were lost up to `end`: as many as can still be counted, and one for what was
// written over.
static uint64_t count_garbled(const struct ebs_perf_memory *memory, uint64_t end)
{
	uint64_t position = memory->position;

	if (end - position > memory->size)
		return 1;
	uint8_t *seen = calloc(1, memory->size / ALIGNMENT / 8 + 1);
	int64_t count = seen ? count_samples(memory, position, end, seen) : 0;
	bool begins_here = count > 0;

	while (seen && count <= 0 && position < end) {
		position += ALIGNMENT;
		count = count_samples(memory, position, end, seen);
	}
	free(seen);
	return (count > 0 ? (uint64_t)count : 0) + !begins_here;
}

// Whether there is a new sample at `position`, where the kernel goes on writing: one whose record's
// length is a multiple of 64 KiB. Only the time differs from the last one's. (Bytes of an older
// sample can be made to look like it: then it counts one too many.)
static bool find_lengthless(struct ebs_perf_memory *memory, uint64_t position)
{
	union header header = { ebs_shared_u64(place(memory, position)) };

	if (header.fields.type != PERF_RECORD_SAMPLE || header.fields.size || !header.fields.misc)
		return false;
	uint64_t time = ebs_shared_u64(place(memory, position + HEADER));
	uint32_t payload = ebs_shared_u32(place(memory, position + SAMPLE_SIZE));

	if ((uint16_t)(SAMPLE_DATA + payload) || time == memory->lengthless_time)
		return false;
	memory->lengthless_time = time;
	return true;
}

void ebs_perf_memory_look(struct ebs_perf_memory *memory)
{
	if (!memory->damaged && head(memory) == memory->position)
		memory->garbled += find_lengthless(memory, memory->position);
}

// Leaves all that was not read, and goes on where the kernel writes next.
static void give_up(struct ebs_perf_memory *memory)
{
	uint64_t end = head(memory);
	uint64_t count = 0;

	if (end != memory->position) {
		count = count_garbled(memory, end);
	} else if (!memory->suspected) {
		memory->suspected = true; // or the kernel is still writing it
		return;
	}
	count += find_lengthless(memory, end);
	memory->garbled += count ? count : 1;
	memory->position = end;
	memory->last = end;
	memory->damaged = false;
	memory->suspected = false;
	give_back(memory, end, bytes_before(memory, end));
}

void ebs_perf_memory_begin(struct ebs_perf_memory *memory)
{
	memory->position = memory->tail;
	memory->first = memory->tail;
	memory->last = head(memory);
	if (memory->last - memory->position > memory->size || !is_intact(memory))
		memory->damaged = true;
}

// The new mark is taken before the old one is looked at: what is written over both is seen.
void ebs_perf_memory_publish(struct ebs_perf_memory *memory, uint64_t position)
{
	uint64_t mark = bytes_before(memory, position);

	if (!is_intact(memory))
		memory->damaged = true;
	give_back(memory, position, mark);
}

// The bytes of a sample, in one piece; `*joined`: in `whole`.
static const uint8_t *join(const struct ebs_perf_memory *memory, uint64_t position, uint32_t size,
			   uint8_t *whole, bool *joined)
{
	const uint8_t *start = place(memory, position);
	uint64_t room = (uint64_t)(memory->data + memory->size - start);

	*joined = size > room;
	if (!*joined)
		return start;
	memcpy(whole, start, room);
	memcpy(whole + room, memory->data, size - room);
	return whole;
}

size_t ebs_perf_memory_take(struct ebs_perf_memory *memory, uint8_t *whole,
			    struct ebs_sample *samples, size_t limit)
{
	bool joined = false;
	size_t count = 0;

	ebs_perf_memory_publish(memory, memory->position);
	while (!memory->damaged && memory->position < memory->last && count < limit && !joined) {
		uint64_t position = memory->position;
		struct record record = read_record(memory, position, memory->last - position);

		if (record.kind == NO_RECORD) {
			memory->damaged = true;
			break;
		}
		memory->position += record.length;
		if (record.kind == SAMPLE)
			samples[count++] =
				(struct ebs_sample){ join(memory, position + SAMPLE_DATA,
							  record.payload, whole, &joined),
						     record.payload, memory->position };
		else if (record.kind == LARGE_SAMPLE)
			memory->garbled++;
		else if (record.kind == LOST)
			memory->reported += ebs_shared_u64(place(memory, position + LOST_COUNT));
	}
	if (count)
		return count;
	if (memory->damaged)
		give_up(memory);
	ebs_perf_memory_publish(memory, memory->position); // what told of losses is free, too
	ebs_perf_memory_look(memory);
	return 0;
}
