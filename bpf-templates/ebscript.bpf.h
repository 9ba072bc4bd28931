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

// The host reads these counters in place and tells them on standard error. Each CPU has its own, so
// that counting doesn't make CPUs wait for each other: an entry a CPU, a number in it for each map.
// The host makes room for as many as there are.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u64));
} ebs_losses SEC(".maps");

enum ebs_loss {
	EBS_LOST_EVENTS,    // no room in a buffer
	EBS_FAILED_UPDATES, // no room in a map
};

// Says which map a call is about, by its name in the C. The host finds these constants, and writes
// into `counter` which of an entry's numbers is the map's; to the verifier that is a known number.
// The value is a pointer to the counter.
#define EBS_LOSS_SITE(of, name)                                 \
	({                                                      \
		static const volatile struct {                  \
			__u32 counter;                          \
			__u32 kind;                             \
			char map[sizeof(#name)];                \
		} ebs_loss_site = { .kind = of, .map = #name }; \
		&ebs_loss_site.counter;                         \
	})

static __always_inline void ebs_count_loss(const volatile __u32 *counter)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u64 *counts = bpf_map_lookup_elem(&ebs_losses, &cpu);

	if (counts)
		__sync_fetch_and_add(&counts[*counter], 1);
}

static __always_inline void *ebs_ringbuf_reserve_at(const volatile __u32 *counter, void *ringbuf,
						    __u64 size)
{
	void *sample = bpf_ringbuf_reserve(ringbuf, size, 0);

	// The pointer itself is left for the program to test: kernels before 6.4 don't see that it
	// passes a second test when it has passed one. Half of it is just a number to them.
	if (!(__u32)(unsigned long)sample)
		ebs_count_loss(counter);
	return sample;
}

static __always_inline long ebs_ringbuf_output_at(const volatile __u32 *counter, void *ringbuf,
						  void *data, __u64 size)
{
	long error = bpf_ringbuf_output(ringbuf, data, size, 0);

	if (error)
		ebs_count_loss(counter);
	return error;
}

static __always_inline long ebs_perf_event_output_at(const volatile __u32 *counter, void *ctx,
						     void *map, __u64 flags, void *data, __u64 size)
{
	long error = bpf_perf_event_output(ctx, map, flags, data, size);

	if (error)
		ebs_count_loss(counter);
	return error;
}

static __always_inline long ebs_map_update_elem_at(const volatile __u32 *counter, void *map,
						   const void *key, const void *value, __u64 flags)
{
	long error = bpf_map_update_elem(map, key, value, flags);

	if (error && !(flags == BPF_NOEXIST && error == -17 /* EEXIST */) &&
	    !(flags == BPF_EXIST && error == -2 /* ENOENT */))
		ebs_count_loss(counter);
	return error;
}

static __always_inline void *ebs_map_lookup_or_init_at(const volatile __u32 *counter, void *map,
						       const void *key, const void *initial)
{
	void *value = bpf_map_lookup_elem(map, key);

	if (value)
		return value;
	ebs_map_update_elem_at(counter, map, key, initial, BPF_NOEXIST);
	return bpf_map_lookup_elem(map, key);
}

static __always_inline void ebs_map_add_at(const volatile __u32 *counter, void *map,
					   const void *key, __u64 amount)
{
	__u64 *count = bpf_map_lookup_elem(map, key);

	// Where another CPU is quicker, its count is there then.
	if (!count && ebs_map_update_elem_at(counter, map, key, &amount, BPF_NOEXIST))
		count = bpf_map_lookup_elem(map, key);
	if (count)
		__sync_fetch_and_add(count, amount);
}

// What programs call. These are macros, as only a macro sees what its map is called; apart from
// that, each is the function that it expands to, without `counter`.

// void *ebs_ringbuf_reserve(void *ringbuf, __u64 size)
// bpf_ringbuf_reserve() that counts a full buffer.
#define ebs_ringbuf_reserve(ringbuf, ...) \
	ebs_ringbuf_reserve_at(EBS_LOSS_SITE(EBS_LOST_EVENTS, ringbuf), ringbuf, __VA_ARGS__)

// long ebs_ringbuf_output(void *ringbuf, void *data, __u64 size)
// bpf_ringbuf_output() that counts a full buffer.
#define ebs_ringbuf_output(ringbuf, ...) \
	ebs_ringbuf_output_at(EBS_LOSS_SITE(EBS_LOST_EVENTS, ringbuf), ringbuf, __VA_ARGS__)

// long ebs_perf_event_output(void *ctx, void *map, __u64 flags, void *data, __u64 size)
// bpf_perf_event_output() that counts a full buffer, or a CPU whose buffer nobody reads.
#define ebs_perf_event_output(ctx, map, ...) \
	ebs_perf_event_output_at(EBS_LOSS_SITE(EBS_LOST_EVENTS, map), ctx, map, __VA_ARGS__)

// long ebs_map_update_elem(void *map, const void *key, const void *value, __u64 flags)
// bpf_map_update_elem() that counts a full map. BPF_NOEXIST on a key that exists is no loss, nor is
// BPF_EXIST on one that doesn't.
#define ebs_map_update_elem(map, ...) \
	ebs_map_update_elem_at(EBS_LOSS_SITE(EBS_FAILED_UPDATES, map), map, __VA_ARGS__)

// void *ebs_map_lookup_or_init(void *map, const void *key, const void *initial)
// The value of `key`, made from `initial` when it isn't there yet; NULL when the map is full, which
// is counted. Two CPUs that meet a new key at once get the same value, and neither's count is lost.
#define ebs_map_lookup_or_init(map, ...) \
	ebs_map_lookup_or_init_at(EBS_LOSS_SITE(EBS_FAILED_UPDATES, map), map, __VA_ARGS__)

// void ebs_map_add(void *map, const void *key, __u64 amount)
// Adds to the 64-bit count of `key`, which begins with this amount. A full map is counted.
#define ebs_map_add(map, ...) \
	ebs_map_add_at(EBS_LOSS_SITE(EBS_FAILED_UPDATES, map), map, __VA_ARGS__)

// A map that scripts drain without losing a count. In a plain one a program that holds a value
// while the script takes it adds to what nobody will read; here programs use one of two maps, the
// drain makes them use the other, and takes the first when none of them uses it any more. `kind` is
// BPF_MAP_TYPE_HASH or PERCPU_HASH (LRU kinds drop entries when they are full): EBS_DRAINED(counts, BPF_MAP_TYPE_HASH, 1024, struct flow, __u64). To
// scripts it is one map, "counts".
#define EBS_DRAINED(name, kind, entries, key_type, value_type) \
	struct name##__half {                                  \
		__uint(type, kind);                            \
		__uint(max_entries, entries);                  \
		__type(key, key_type);                         \
		__type(value, value_type);                     \
	} name##__0 SEC(".maps"), name##__1 SEC(".maps");      \
	struct {                                               \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);      \
		__uint(max_entries, 1);                        \
		__type(key, __u32);                            \
		__array(values, struct name##__half);          \
	} name SEC(".maps") = { .values = { &name##__0 } }

// The map to be used in this run of a program, and not longer; NULL is for the verifier.
static __always_inline void *ebs_drained(void *drained)
{
	__u32 entry = 0;

	return bpf_map_lookup_elem(drained, &entry);
}

static __always_inline void *ebs_drained_lookup_or_init_at(const volatile __u32 *counter,
							   void *drained, const void *key,
							   const void *initial)
{
	void *map = ebs_drained(drained);

	return map ? ebs_map_lookup_or_init_at(counter, map, key, initial) : NULL;
}

static __always_inline void ebs_drained_add_at(const volatile __u32 *counter, void *drained,
					       const void *key, __u64 amount)
{
	void *map = ebs_drained(drained);

	if (map)
		ebs_map_add_at(counter, map, key, amount);
}

// void *ebs_drained_lookup_or_init(void *drained, const void *key, const void *initial)
// void ebs_drained_add(void *drained, const void *key, __u64 amount)
// The helpers above, for such a map.
#define ebs_drained_lookup_or_init(drained, ...)                                           \
	ebs_drained_lookup_or_init_at(EBS_LOSS_SITE(EBS_FAILED_UPDATES, drained), drained, \
				      __VA_ARGS__)
#define ebs_drained_add(drained, ...) \
	ebs_drained_add_at(EBS_LOSS_SITE(EBS_FAILED_UPDATES, drained), drained, __VA_ARGS__)

// The slot of a value in a histogram of powers of two, as bpf.histogram() counts them: 0 for 0 and
// 1, n for 2^n to 2^(n+1)-1, up to 63.
static __always_inline __u32 ebs_log2(__u64 value)
{
	__u32 slot = 0;

	for (__u32 bits = 32; bits; bits /= 2)
		if (value >> bits) {
			value >>= bits;
			slot += bits;
		}
	return slot;
}

#endif
