// SPDX-License-Identifier: GPL-2.0-only
// Steps for pushing values: made, and those that aren't within eight bytes taken.
#include "script/value_step.h"

#include "types/load.h"

#define WORD_SIZE 8 // bytes
#define WORD_BITS 64

// Makes the integer of `bits`, which begins so many bits behind the byte at `step->offset`, a part
// of eight bytes of the record. Fails where no eight bytes hold all of it.
static bool set_word(struct ebs_step *step, unsigned bit_offset, unsigned bits,
		     uint32_t record_size)
{
	if (record_size < WORD_SIZE)
		return false;
	uint32_t last = record_size - WORD_SIZE;
	uint32_t word = step->offset < last ? step->offset : last;
	uint64_t before = (uint64_t)(step->offset - word) * 8 + bit_offset;

	if (before + bits > WORD_BITS)
		return false;
	step->kind = EBS_STEP_WORD;
	step->offset = word;
	step->end = word + WORD_SIZE;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	step->shift = (uint32_t)before;
#else
	step->shift = (uint32_t)(WORD_BITS - before - bits);
#endif
	step->mask = UINT64_MAX >> (WORD_BITS - bits);
	step->sign = step->layout->kind == EBS_SIGNED ? UINT64_C(1) << (bits - 1) : 0;
	return true;
}

static void set_kind(struct ebs_step *step, uint32_t record_size)
{
	const struct ebs_layout *layout = step->layout;
	const struct ebs_field *field = step->field;

	if (!layout)
		return;
	if (layout->kind == EBS_STRING && !layout->flexible)
		step->kind = EBS_STEP_STRING;
	if (layout->kind != EBS_SIGNED && layout->kind != EBS_UNSIGNED)
		return;
	if (field && field->bit_size)
		set_word(step, field->bit_offset, field->bit_size, record_size);
	else if (!set_word(step, 0, layout->size * 8, record_size))
		step->kind = EBS_STEP_SHORT;
}

struct ebs_step ebs_step_field(const struct ebs_field *field, uint32_t record_size)
{
	struct ebs_step step = {
		.offset = field->offset,
		.end = field->offset + field->layout->size,
		.field = field,
		.layout = field->layout,
	};

	set_kind(&step, record_size);
	return step;
}

struct ebs_step ebs_step_value(const struct ebs_layout *layout, uint32_t size)
{
	struct ebs_step step = {
		.end = layout ? layout->size : size,
		.layout = layout,
	};

	set_kind(&step, step.end);
	return step;
}

size_t ebs_steps_words(const struct ebs_step *steps, int count)
{
	size_t size = 0;

	for (int i = 0; i < count; i++) {
		if (steps[i].kind != EBS_STEP_WORD)
			return SIZE_MAX;
		if (steps[i].end > size)
			size = steps[i].end;
	}
	return size;
}

void ebs_push_step_slowly(lua_State *L, const struct ebs_step *step, const uint8_t *data,
			  size_t size)
{
	const struct ebs_layout *layout = step->layout;
	const uint8_t *at = data + step->offset;

	if (step->end <= size && step->kind == EBS_STEP_SHORT)
		lua_pushinteger(L, layout->kind == EBS_SIGNED
					   ? ebs_load_signed(at, layout->size)
					   : (lua_Integer)ebs_load_unsigned(at, layout->size));
	else if (step->end <= size && step->kind == EBS_STEP_STRING)
		lua_pushlstring(L, (const char *)at, strnlen((const char *)at, layout->size));
	else if (step->field)
		ebs_push_field(L, step->field, data, size);
	else
		ebs_push_value(L, layout, data, size);
}
