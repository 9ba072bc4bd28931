// SPDX-License-Identifier: GPL-2.0-only
// Finished layouts: fields found by name, layouts compared, the bits of bitfields.
#include <stdlib.h>
#include <string.h>

#include "types/layout.h"
#include "types/types_private.h"

// By the address of a name; at least as many slots are free as are taken.
struct ebs_pinned_names {
	uint32_t room;
	unsigned shift; // of a hash, for a slot
	struct {
		const char *name;
		const struct ebs_field *field;
	} slots[];
};

struct ebs_pinned_names *ebs_pinned_names_new(uint32_t fields)
{
	unsigned bits = 1;
	while (bits < 31 && UINT32_C(1) << bits < fields * 2)
		bits++;

	struct ebs_pinned_names *pinned =
		calloc(1, sizeof(*pinned) + (sizeof(pinned->slots[0]) << bits));
	if (pinned) {
		pinned->room = fields;
		pinned->shift = 64 - bits;
	}
	return pinned;
}

// The slot in which the name is, or would be.
static size_t find_slot(const struct ebs_pinned_names *pinned, const char *name)
{
	size_t mask = ((size_t)1 << (64 - pinned->shift)) - 1;
	size_t slot = (uintptr_t)name * UINT64_C(0x9e3779b97f4a7c15) >> pinned->shift;

	while (pinned->slots[slot].name && pinned->slots[slot].name != name)
		slot = (slot + 1) & mask;
	return slot;
}

const struct ebs_field *ebs_layout_pinned_field(const struct ebs_layout *layout, const char *name)
{
	if (layout->kind != EBS_RECORD)
		return NULL;
	return layout->pinned->slots[find_slot(layout->pinned, name)].field;
}

void ebs_layout_pin(const struct ebs_layout *layout, const char *name,
		    const struct ebs_field *field)
{
	struct ebs_pinned_names *pinned = layout->pinned;
	size_t slot = find_slot(pinned, name);

	if (pinned->slots[slot].name || pinned->room == 0)
		return;
	pinned->room--;
	pinned->slots[slot].name = name;
	pinned->slots[slot].field = field;
}

const struct ebs_field *ebs_layout_field(const struct ebs_layout *layout, const char *name)
{
	if (layout->kind != EBS_RECORD)
		return NULL;
	for (uint32_t i = 0; i < layout->field_count; i++)
		if (strcmp(layout->fields[i].name, name) == 0)
			return &layout->fields[i];
	return NULL;
}

size_t ebs_text_size(const struct ebs_layout *layout, const uint8_t *data, size_t size)
{
	size_t text = strnlen((const char *)data, size);

	// All are zero: the first is, and each is equal to the one before it.
	if (!layout->stored || text == size ||
	    memcmp(data + text, data + text + 1, size - text - 1) == 0)
		return text;
	return size;
}

static bool field_equal(const struct ebs_field *one, const struct ebs_field *other)
{
	return strcmp(one->name, other->name) == 0 && one->offset == other->offset &&
	       one->bit_size == other->bit_size && one->bit_offset == other->bit_offset &&
	       ebs_layout_equal(one->layout, other->layout);
}

bool ebs_layout_equal(const struct ebs_layout *one, const struct ebs_layout *other)
{
	if (one == other)
		return true;
	if (one->kind != other->kind || one->size != other->size ||
	    one->flexible != other->flexible || one->count != other->count ||
	    one->field_count != other->field_count)
		return false;
	for (uint32_t i = 0; i < one->field_count; i++)
		if (!field_equal(&one->fields[i], &other->fields[i]))
			return false;
	return one->kind != EBS_ARRAY || ebs_layout_equal(one->element, other->element);
}

// The bytes that a bitfield touches, at most nine, as one number; bits count from the least
// significant one on little-endian machines and from the most significant one on big-endian
// machines.
static unsigned bitfield_span(const struct ebs_field *field, unsigned *shift)
{
	unsigned bytes = (field->bit_offset + field->bit_size + 7) / 8;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	*shift = field->bit_offset;
#else
	*shift = bytes * 8 - field->bit_offset - field->bit_size;
#endif
	return bytes;
}

static unsigned byte_shift(unsigned index, unsigned bytes)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return index * 8;
#else
	return (bytes - 1 - index) * 8;
#endif
}

int64_t ebs_bitfield_get(const struct ebs_field *field, const uint8_t *record)
{
	unsigned shift;
	unsigned bytes = bitfield_span(field, &shift);
	unsigned __int128 word = 0;

	for (unsigned i = 0; i < bytes; i++)
		word |= (unsigned __int128)record[field->offset + i] << byte_shift(i, bytes);

	uint64_t value = (uint64_t)(word >> shift);
	unsigned unused = 64 - field->bit_size;
	value <<= unused;
	if (field->layout->kind == EBS_SIGNED)
		return (int64_t)value >> unused;
	return (int64_t)(value >> unused);
}

void ebs_bitfield_set(const struct ebs_field *field, uint8_t *record, uint64_t value)
{
	unsigned shift;
	unsigned bytes = bitfield_span(field, &shift);
	unsigned __int128 mask = (((unsigned __int128)1 << field->bit_size) - 1) << shift;
	unsigned __int128 word = ((unsigned __int128)value << shift) & mask;

	for (unsigned i = 0; i < bytes; i++) {
		uint8_t *byte = &record[field->offset + i];
		uint8_t byte_mask = (uint8_t)(mask >> byte_shift(i, bytes));

		*byte = (*byte & ~byte_mask) | (uint8_t)(word >> byte_shift(i, bytes));
	}
}

// `bits` of the field, from the bit that counts 2 to the power of `low` on: a bitfield of its own.
static struct ebs_field bitfield_part(const struct ebs_field *field, unsigned low, unsigned bits)
{
	static const struct ebs_layout word = { .kind = EBS_UNSIGNED, .size = 8 };
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	unsigned start = field->bit_offset + low;
#else
	unsigned start = field->bit_offset + field->bit_size - low - bits;
#endif

	return (struct ebs_field){ field->name, &word, field->offset + start / 8, bits, start % 8 };
}

static unsigned __int128 extend(const struct ebs_field *field, unsigned __int128 value)
{
	unsigned unused = 128 - field->bit_size;

	value <<= unused;
	return field->layout->is_signed ? (unsigned __int128)((__int128)value >> unused)
					: value >> unused;
}

void ebs_bitfield_get_bytes(const struct ebs_field *field, const uint8_t *record, uint8_t *out)
{
	unsigned low_bits = field->bit_size < 64 ? field->bit_size : 64;
	struct ebs_field low = bitfield_part(field, 0, low_bits);
	struct ebs_field high = bitfield_part(field, 64, field->bit_size - low_bits);
	unsigned __int128 value = (uint64_t)ebs_bitfield_get(&low, record);

	if (high.bit_size)
		value |= (unsigned __int128)(uint64_t)ebs_bitfield_get(&high, record) << 64;
	value = extend(field, value);
	memcpy(out, &value, sizeof(value));
}

void ebs_bitfield_set_bytes(const struct ebs_field *field, uint8_t *record, const uint8_t *bytes)
{
	unsigned low_bits = field->bit_size < 64 ? field->bit_size : 64;
	struct ebs_field low = bitfield_part(field, 0, low_bits);
	struct ebs_field high = bitfield_part(field, 64, field->bit_size - low_bits);
	unsigned __int128 value;

	memcpy(&value, bytes, sizeof(value));
	ebs_bitfield_set(&low, record, (uint64_t)value);
	if (high.bit_size)
		ebs_bitfield_set(&high, record, (uint64_t)(value >> 64));
}

bool ebs_bitfield_fits(const struct ebs_field *field, const uint8_t *bytes)
{
	unsigned __int128 value;

	memcpy(&value, bytes, sizeof(value));
	return extend(field, value) == value;
}
