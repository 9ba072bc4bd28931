// SPDX-License-Identifier: GPL-2.0-only
// Numbers in memory that somebody else writes: the kernel, a program, another process.
//
// Such a number may change between two reads. So each function reads it once, into a local; the
// caller checks the local, and uses nothing but the local. The fuzzers define EBS_FUZZ: there a
// hook runs before each read, and may change the memory.
#ifndef EBS_BASE_SHARED_H
#define EBS_BASE_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#ifdef EBS_FUZZ
__attribute__((weak)) void ebs_shared_hook(void); // the fuzzer's; not all of them have one
#endif

static inline void ebs_shared_changes(void)
{
#ifdef EBS_FUZZ
	if (ebs_shared_hook)
		ebs_shared_hook();
#endif
}

// `address` must be aligned to the number's size.
static inline uint32_t ebs_shared_u32(const void *address)
{
	ebs_shared_changes();
	return __atomic_load_n((const uint32_t *)address, __ATOMIC_RELAXED);
}

static inline uint64_t ebs_shared_u64(const void *address)
{
	ebs_shared_changes();
	return __atomic_load_n((const uint64_t *)address, __ATOMIC_RELAXED);
}

// What was written before the number is seen by all that is read after it.
static inline uint32_t ebs_shared_u32_acquire(const void *address)
{
	ebs_shared_changes();
	return __atomic_load_n((const uint32_t *)address, __ATOMIC_ACQUIRE);
}

static inline uint64_t ebs_shared_u64_acquire(const void *address)
{
	ebs_shared_changes();
	return __atomic_load_n((const uint64_t *)address, __ATOMIC_ACQUIRE);
}

#endif
