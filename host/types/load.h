// SPDX-License-Identifier: GPL-2.0-only
// Numbers from where they lie in memory, which may be unaligned: packed structs, samples.
#ifndef EBS_TYPES_LOAD_H
#define EBS_TYPES_LOAD_H

#include <stdint.h>
#include <string.h>

// `size` is 1, 2, 4 or 8 bytes.
static inline int64_t ebs_load_signed(const uint8_t *data, uint32_t size)
{
	int64_t value64;
	int32_t value32;
	int16_t value16;

	switch (size) {
	case 8:
		memcpy(&value64, data, 8);
		return value64;
	case 4:
		memcpy(&value32, data, 4);
		return value32;
	case 2:
		memcpy(&value16, data, 2);
		return value16;
	default:
		return (int8_t)*data;
	}
}

static inline uint64_t ebs_load_unsigned(const uint8_t *data, uint32_t size)
{
	uint64_t value = (uint64_t)ebs_load_signed(data, size);

	return size == 8 ? value : value & ((UINT64_C(1) << size * 8) - 1);
}

// `size` is 4 or 8 bytes.
static inline double ebs_load_float(const uint8_t *data, uint32_t size)
{
	double value64;
	float value32;

	if (size == 8) {
		memcpy(&value64, data, 8);
		return value64;
	}
	memcpy(&value32, data, 4);
	return (double)value32;
}

#endif
