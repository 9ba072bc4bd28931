// SPDX-License-Identifier: GPL-2.0-only
// What most snippets start with: the kernel's types, libbpf's helpers, and helpers that lose
// nothing in silence.
#ifndef EBSCRIPT_BPF_H
#define EBSCRIPT_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

// The host reads these counters by the map's name, in place, and tells them on standard error. Each
// CPU has its own, so that counting doesn't make CPUs wait for each other.
enum ebs_loss {
	EBS_LOST_EVENTS,    // no room in a ring buffer
	EBS_FAILED_UPDATES, // no room in a map
	EBS_LOSS_KINDS,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries,
	       EBS_LOSS_KINDS * 1024); // the host makes it as large as the machine has CPUs
	__type(key, __u32);
	__type(value, __u64);
} ebs_losses SEC(".maps");

static __always_inline void ebs_count_loss(enum ebs_loss kind)
{
	__u32 key = bpf_get_smp_processor_id() * EBS_LOSS_KINDS + kind;
	__u64 *count = bpf_map_lookup_elem(&ebs_losses, &key);

	if (count)
		__sync_fetch_and_add(count, 1);
}

// bpf_ringbuf_reserve() that counts a full buffer.
static __always_inline void *ebs_ringbuf_reserve(void *ringbuf, __u64 size)
{
	void *sample = bpf_ringbuf_reserve(ringbuf, size, 0);

	if (!sample)
		ebs_count_loss(EBS_LOST_EVENTS);
	return sample;
}

// bpf_ringbuf_output() that counts a full buffer.
static __always_inline long ebs_ringbuf_output(void *ringbuf, void *data, __u64 size)
{
	long error = bpf_ringbuf_output(ringbuf, data, size, 0);

	if (error)
		ebs_count_loss(EBS_LOST_EVENTS);
	return error;
}

// bpf_map_update_elem() that counts a full map. BPF_NOEXIST on a key that exists is no loss.
static __always_inline long ebs_map_update(void *map, const void *key, const void *value,
					   __u64 flags)
{
	long error = bpf_map_update_elem(map, key, value, flags);

	if (error && !(flags == BPF_NOEXIST && error == -17 /* EEXIST */))
		ebs_count_loss(EBS_FAILED_UPDATES);
	return error;
}

// The value of `key`, made from `initial` when it isn't there yet; NULL when the map is full, which
// is counted. Two CPUs that meet a new key at once get the same value, and neither's count is lost.
static __always_inline void *ebs_map_lookup_or_init(void *map, const void *key, const void *initial)
{
	void *value = bpf_map_lookup_elem(map, key);

	if (value)
		return value;
	ebs_map_update(map, key, initial, BPF_NOEXIST);
	return bpf_map_lookup_elem(map, key);
}

// Adds to the 64-bit count of `key`, which starts at 0. A full map is counted.
static __always_inline void ebs_map_add(void *map, const void *key, __u64 amount)
{
	__u64 zero = 0;
	__u64 *count = ebs_map_lookup_or_init(map, key, &zero);

	if (count)
		__sync_fetch_and_add(count, amount);
}

#endif
