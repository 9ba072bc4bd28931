// SPDX-License-Identifier: GPL-2.0-only
// Integers of a record, of whatever size, taken in one way: without a jump that depends on it.
#ifndef EBS_TYPES_WORD_H
#define EBS_TYPES_WORD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "types/layout.h"

#define EBS_WORD_SIZE 8 // bytes

// An integer or bitfield that lies within eight bytes of its record.
struct ebs_word {
	uint32_t offset; // of the eight bytes, from the record's start
	uint32_t shift;  // bits below the integer
	uint64_t mask;   // its own bits
	uint64_t sign;   // the highest of them where it is signed, else 0
};

// False for what is no integer, and where no eight bytes of the `record_size` hold all of it.
bool ebs_word_find(struct ebs_word *word, const struct ebs_field *field, uint32_t record_size);

static inline int64_t ebs_word_load(const struct ebs_word *word, const uint8_t *record)
{
	uint64_t value;

	memcpy(&value, record + word->offset, EBS_WORD_SIZE);
	value = value >> word->shift & word->mask;
	return (int64_t)((value ^ word->sign) - word->sign);
}

#endif
