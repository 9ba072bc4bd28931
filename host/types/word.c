// SPDX-License-Identifier: GPL-2.0-only
// Where the eight bytes of an integer are.
#include "types/word.h"

#define WORD_BITS 64

bool ebs_word_find(struct ebs_word *word, const struct ebs_field *field, uint32_t record_size)
{
	const struct ebs_layout *layout = field->layout;

	if (record_size < EBS_WORD_SIZE ||
	    (layout->kind != EBS_SIGNED && layout->kind != EBS_UNSIGNED))
		return false;
	uint32_t last = record_size - EBS_WORD_SIZE;
	uint32_t offset = field->offset < last ? field->offset : last;
	uint64_t before = (uint64_t)(field->offset - offset) * 8 + field->bit_offset;
	unsigned bits = field->bit_size ? field->bit_size : layout->size * 8;

	if (before + bits > WORD_BITS)
		return false;
	*word = (struct ebs_word)
	{
		.offset = offset,
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		.shift = (uint32_t)before,
#else
		.shift = (uint32_t)(WORD_BITS - before - bits),
#endif
		.mask = UINT64_MAX >> (WORD_BITS - bits),
		.sign = layout->kind == EBS_SIGNED ? UINT64_C(1) << (bits - 1) : 0,
	};
	return true;
}
