// SPDX-License-Identifier: GPL-2.0-only
// Steps for pushing values: made, and those that aren't within eight bytes taken.
#include "script/value_step.h"

#include "types/load.h"

static struct ebs_step make_step(const struct ebs_field *field, uint32_t record_size)
{
	const struct ebs_layout *layout = field->layout;
	struct ebs_step step = {
		.offset = field->offset,
		.end = field->offset + layout->size,
		.layout = layout,
	};

	if (ebs_word_find(&step.word, field, record_size)) {
		step.kind = EBS_STEP_WORD;
		step.end = step.word.offset + EBS_WORD_SIZE;
	} else if (layout->kind == EBS_STRING && !layout->flexible) {
		step.kind = EBS_STEP_STRING;
	} else if ((layout->kind == EBS_SIGNED || layout->kind == EBS_UNSIGNED) &&
		   !field->bit_size) {
		step.kind = EBS_STEP_SHORT;
	}
	return step;
}

struct ebs_step ebs_step_field(const struct ebs_field *field, uint32_t record_size)
{
	struct ebs_step step = make_step(field, record_size);

	step.field = field;
	return step;
}

struct ebs_step ebs_step_value(const struct ebs_layout *layout, uint32_t size)
{
	if (!layout)
		return (struct ebs_step){ .end = size };
	return make_step(&(struct ebs_field){ .layout = layout }, layout->size);
}

struct ebs_step ebs_step_rest(uint32_t record_size, uint32_t padded)
{
	return (struct ebs_step){ .kind = EBS_STEP_REST, .offset = record_size, .end = padded };
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
		lua_pushlstring(L, (const char *)at, ebs_text_size(layout, at, layout->size));
	else if (step->kind == EBS_STEP_REST)
		lua_pushlstring(L, (const char *)at, size > step->end ? size - step->offset : 0);
	else if (step->field)
		ebs_push_field(L, step->field, data, size);
	else
		ebs_push_value(L, layout, data, size);
}
