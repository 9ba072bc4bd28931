// SPDX-License-Identifier: GPL-2.0-only
// Samples that programs send: the reader of ring buffers and perf buffers, and the way back.
#ifndef EBS_KERNEL_RING_H
#define EBS_KERNEL_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernel/map.h"

// The largest sample that a perf buffer can hold, as it was sent, in bytes: a record has its length
// in 16 bits, and is padded.
#define EBS_PERF_MAX_SAMPLE 65508

struct ebs_sample {
	const uint8_t *data;
	size_t size;  // of a perf buffer: up to 7 bytes more than were sent, as the kernel pads
	uint64_t end; // the reader's own: its position behind the sample
};

// NULL with `error` filled, also when the map is no such buffer. The map must outlive it; its
// descriptor need not.
struct ebs_ring;
struct ebs_ring *ebs_ring_new(struct ebs_map *map, struct ebs_error *error);
void ebs_ring_free(struct ebs_ring *ring);

// Readable while there are samples; owned by the ring.
int ebs_ring_fd(const struct ebs_ring *ring);

// A reading hands out the samples that are there when it begins: no more than a buffer full, so
// that a busy producer can't keep the caller for good. No callback: who reads may leave at any
// sample, by a longjmp() too, as long as the reading is ended.
void ebs_ring_begin(struct ebs_ring *ring);
// The next samples, valid until the next call, by which they count as read. Returns how many there
// are, 0 at the end.
size_t ebs_ring_take(struct ebs_ring *ring, struct ebs_sample *samples, size_t limit);
// Of those that were taken last, `last` and what was before it count as read; NULL: none of them.
// Returns the bytes that the reading made free.
size_t ebs_ring_end(struct ebs_ring *ring, const struct ebs_sample *last);

// Whether there are samples that the kernel may not have told of: a program can ask for that
// (BPF_RB_NO_WAKEUP). Costs no system call.
bool ebs_ring_is_waiting(const struct ebs_ring *ring);
// Whether the last reading stopped at a sample that a program is still writing.
bool ebs_ring_is_busy(const struct ebs_ring *ring);

// Bytes that fit in, for each CPU where each has its own.
size_t ebs_ring_capacity(const struct ebs_ring *ring);
// The size in bytes of the largest sample that can ever be sent. The kernel's
// __bpf_ringbuf_reserve() and perf_output_begin() set these limits.
size_t ebs_ring_largest(const struct ebs_ring *ring, const struct ebs_map *map);
// The size of a sample of `map` that was sent with `size` bytes.
size_t ebs_ring_sample_size(const struct ebs_map *map, size_t size);

// Brings map->lost up to date, with losses that no later sample has reported yet.
void ebs_ring_count_lost(struct ebs_ring *ring);

// Sends a sample to the programs that drain the user ring buffer `map`. -ENOSPC when it is full,
// -E2BIG when it can never hold that much.
int ebs_map_submit(struct ebs_map *map, const void *data, size_t size, struct ebs_error *error);
// Frees what ebs_map_submit() made.
void ebs_map_submit_end(struct ebs_map *map);

#endif
