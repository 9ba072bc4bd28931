// SPDX-License-Identifier: GPL-2.0-only
// Values of one layout in order: which of two comes first.
#include <string.h>

#include "types/layout.h"
#include "types/load.h"

static int order(bool less, bool greater)
{
	return greater - less;
}

static int compare_integers(bool is_signed, int64_t one, int64_t other)
{
	if (is_signed)
		return order(one<other, one> other);
	return order((uint64_t)one<(uint64_t)other, (uint64_t)one>(uint64_t) other);
}

static int compare_field(const struct ebs_field *field, const uint8_t *one, const uint8_t *other)
{
	const struct ebs_layout *layout = field->layout;
	uint8_t bytes[2][16];

	if (!field->bit_size)
		return ebs_layout_compare(layout, one + field->offset, other + field->offset,
					  layout->size);
	if (layout->kind != EBS_BYTES)
		return compare_integers(layout->kind == EBS_SIGNED, ebs_bitfield_get(field, one),
					ebs_bitfield_get(field, other));
	ebs_bitfield_get_bytes(field, one, bytes[0]);
	ebs_bitfield_get_bytes(field, other, bytes[1]);
	return memcmp(bytes[0], bytes[1], sizeof(bytes[0]));
}

static int compare_parts(const struct ebs_layout *layout, const uint8_t *one, const uint8_t *other)
{
	bool is_array = layout->kind == EBS_ARRAY;
	uint32_t count = is_array ? layout->count : layout->field_count;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t stride = is_array ? layout->element->size : 0;
		int result = is_array ? ebs_layout_compare(layout->element, one + i * stride,
							   other + i * stride, stride)
				      : compare_field(&layout->fields[i], one, other);

		if (result)
			return result;
	}
	return memcmp(one, other, layout->size); // what no field shows
}

int ebs_layout_compare(const struct ebs_layout *layout, const uint8_t *one, const uint8_t *other,
		       size_t size)
{
	double numbers[2];

	switch (layout ? layout->kind : EBS_BYTES) {
	case EBS_SIGNED:
		return compare_integers(true, ebs_load_signed(one, layout->size),
					ebs_load_signed(other, layout->size));
	case EBS_UNSIGNED:
	case EBS_BOOL:
		return compare_integers(false, (int64_t)ebs_load_unsigned(one, layout->size),
					(int64_t)ebs_load_unsigned(other, layout->size));
	case EBS_FLOAT:
		numbers[0] = ebs_load_float(one, layout->size);
		numbers[1] = ebs_load_float(other, layout->size);
		if (numbers[0] < numbers[1] || numbers[0] > numbers[1])
			return order(numbers[0]<numbers[1], numbers[0]> numbers[1]);
		return memcmp(one, other, layout->size);
	case EBS_ARRAY:
	case EBS_RECORD:
		return compare_parts(layout, one, other);
	case EBS_STRING:
	case EBS_BYTES:
		break;
	}
	return memcmp(one, other, size);
}
