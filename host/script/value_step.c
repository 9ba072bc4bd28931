// SPDX-License-Identifier: GPL-2.0-only
// Steps for pushing values: made, and those that aren't integers taken.
#include "script/value_step.h"

static enum ebs_step_kind step_kind(const struct ebs_layout *layout)
{
	bool is_signed = layout->kind == EBS_SIGNED;

	if (layout->kind == EBS_STRING && !layout->flexible)
		return EBS_STEP_STRING;
	if (!is_signed && layout->kind != EBS_UNSIGNED)
		return EBS_STEP_OTHER;
	switch (layout->size) {
	case 1:
		return is_signed ? EBS_STEP_S8 : EBS_STEP_U8;
	case 2:
		return is_signed ? EBS_STEP_S16 : EBS_STEP_U16;
	case 4:
		return is_signed ? EBS_STEP_S32 : EBS_STEP_U32;
	case 8:
		return EBS_STEP_64;
	default:
		return EBS_STEP_OTHER;
	}
}

struct ebs_step ebs_step_field(const struct ebs_field *field)
{
	return (struct ebs_step){
		.kind = field->bit_size ? EBS_STEP_OTHER : step_kind(field->layout),
		.offset = field->offset,
		.end = field->offset + field->layout->size,
		.field = field,
		.layout = field->layout,
	};
}

struct ebs_step ebs_step_value(const struct ebs_layout *layout, uint32_t size)
{
	return (struct ebs_step){
		.kind = layout ? step_kind(layout) : EBS_STEP_OTHER,
		.end = layout ? layout->size : size,
		.layout = layout,
	};
}

void ebs_push_step_slowly(lua_State *L, const struct ebs_step *step, const uint8_t *data,
			  size_t size)
{
	if (step->field)
		ebs_push_field(L, step->field, data, size);
	else
		ebs_push_value(L, step->layout, data, size);
}
