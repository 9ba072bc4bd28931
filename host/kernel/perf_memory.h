// SPDX-License-Identifier: GPL-2.0-only
// The memory of one CPU's perf buffer, as the kernel writes it: its records, checked.
//
// The format is that of perf_event_open(2): a page that begins with struct perf_event_mmap_page,
// and behind it the data. Positions only grow; a position's place is its remainder. The samples
// have PERF_SAMPLE_TIME and PERF_SAMPLE_RAW.
#ifndef EBS_KERNEL_PERF_MEMORY_H
#define EBS_KERNEL_PERF_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/ring.h"

#define EBS_PERF_MAX_RECORD (64 * 1024) // bytes: a record has its length in 16 bits

struct perf_event_mmap_page;

struct ebs_perf_memory {
	struct perf_event_mmap_page *page;
	const uint8_t *data;
	uint64_t size;            // of the data, bytes: a power of two
	uint64_t tail;            // what is before it was given back to the kernel
	uint64_t mark;            // what the eight bytes before it held then
	uint64_t first;           // where the reading began
	uint64_t position;        // the next record
	uint64_t last;            // the kernel's position when the reading began
	uint64_t lengthless_time; // of the last sample that left the kernel's position where it was
	uint64_t reported;        // samples lost, as records of the kernel's have said
	uint64_t garbled; // samples that can't be read: they, or one behind them, were too large
	bool damaged;     // what was not read yet has been written over
	bool suspected;   // and the kernel's position has not moved: it may be about to
};

// `pages` is the mapping, which stays the caller's, and of which the first page can be written;
// `page` bytes are before the `size` bytes of data.
void ebs_perf_memory_open(struct ebs_perf_memory *memory, void *pages, size_t page, size_t size);

// The three steps of a reading, as ring.h has them. `whole` holds EBS_PERF_MAX_RECORD bytes, for a
// sample that goes over the buffer's end; the next call may use them again.
void ebs_perf_memory_begin(struct ebs_perf_memory *memory);
size_t ebs_perf_memory_take(struct ebs_perf_memory *memory, uint8_t *whole,
			    struct ebs_sample *samples, size_t limit);
// Everything before `position`, an end of a sample, counts as read.
void ebs_perf_memory_publish(struct ebs_perf_memory *memory, uint64_t position);

// Counts a sample that was too large and left the kernel's position where it was.
void ebs_perf_memory_look(struct ebs_perf_memory *memory);

#endif
