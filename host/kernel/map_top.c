// SPDX-License-Identifier: GPL-2.0-only
// The largest entries of a map.
#include "kernel/map_top.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "types/load.h"

#define FIRST_SLOTS 256
#define SIGN        (UINT64_C(1) << 63)

bool ebs_map_top_can(const struct ebs_layout *layout)
{
	return layout && (layout->kind == EBS_SIGNED || layout->kind == EBS_UNSIGNED ||
			  layout->kind == EBS_BOOL || layout->kind == EBS_FLOAT);
}

void ebs_map_top_init(struct ebs_map_top *top, const struct ebs_map *map, size_t limit,
		      const struct ebs_field *fields, uint32_t count)
{
	size_t bytes = count * sizeof(uint64_t) + map->key_size + ebs_map_value_bytes(map);

	*top = (struct ebs_map_top){
		.is_float = fields[0].layout->kind == EBS_FLOAT,
		.map = map,
		.limit = limit,
		.stride = (bytes + 7) / 8 * 8,
		.fields = count,
	};
	memcpy(top->field, fields, count * sizeof(*fields));
}

void ebs_map_top_free(struct ebs_map_top *top)
{
	free(top->slots);
	free(top->order);
	top->slots = NULL;
	top->order = NULL;
	top->kept = 0;
}

static uint64_t *slot_ranks(const struct ebs_map_top *top, uint32_t slot)
{
	return (uint64_t *)(void *)(top->slots + slot * top->stride);
}

static uint8_t *slot_key(const struct ebs_map_top *top, uint32_t slot)
{
	return (uint8_t *)(slot_ranks(top, slot) + top->fields);
}

static int64_t load_integer(const struct ebs_field *field, const uint8_t *value)
{
	const uint8_t *at = value + field->offset;
	uint32_t size = field->layout->size;

	if (field->bit_size)
		return ebs_bitfield_get(field, value);
	if (field->layout->kind == EBS_SIGNED)
		return ebs_load_signed(at, size);
	return (int64_t)ebs_load_unsigned(at, size);
}

// A number that has the order of floating point numbers; NaN comes behind all others.
static uint64_t float_rank(double number)
{
	uint64_t bits;

	if (number != number)
		return 0;
	if (number == 0) // -0 is equal to 0
		return SIGN;
	memcpy(&bits, &number, sizeof(bits));
	return bits & SIGN ? ~bits : bits | SIGN;
}

// A number that has the order of the field's values, as an unsigned one. `first`: adds to the sum.
static uint64_t rank(struct ebs_map_top *top, const struct ebs_field *field, const uint8_t *value,
		     bool first)
{
	const struct ebs_map *map = top->map;
	bool is_float = field->layout->kind == EBS_FLOAT;
	uint64_t integer = 0;
	double number = 0;

	for (unsigned cpu = 0; cpu < map->cpus; cpu++, value += map->stride)
		if (is_float)
			number += ebs_load_float(value + field->offset, field->layout->size);
		else
			integer += (uint64_t)load_integer(field, value);
	if (first) {
		top->sum = (int64_t)((uint64_t)top->sum + integer);
		top->float_sum += number;
	}
	if (is_float)
		return float_rank(number);
	return field->layout->kind == EBS_SIGNED ? integer ^ SIGN : integer;
}

// Does the one entry come before the other?
static bool precedes(const struct ebs_map_top *top, const uint64_t *ranks, const uint8_t *key,
		     uint32_t slot)
{
	const uint64_t *others = slot_ranks(top, slot);

	for (uint32_t i = 0; i < top->fields; i++)
		if (ranks[i] != others[i])
			return ranks[i] > others[i];
	return ebs_layout_compare(top->map->key, key, slot_key(top, slot), top->map->key_size) < 0;
}

static bool slot_precedes(const struct ebs_map_top *top, uint32_t one, uint32_t other)
{
	return precedes(top, slot_ranks(top, one), slot_key(top, one), other);
}

static void write_slot(struct ebs_map_top *top, uint32_t slot, const uint64_t *ranks,
		       const uint8_t *key, const uint8_t *value)
{
	const struct ebs_map *map = top->map;
	uint8_t *to = slot_key(top, slot);

	memcpy(slot_ranks(top, slot), ranks, top->fields * sizeof(*ranks));
	memcpy(to, key, map->key_size);
	memcpy(to + map->key_size, value, ebs_map_value_bytes(map));
}

static int grow(struct ebs_map_top *top)
{
	size_t capacity = top->capacity ? top->capacity * 2 : FIRST_SLOTS;

	if (capacity > top->limit)
		capacity = top->limit;
	if (capacity > UINT32_MAX)
		return -ENOMEM;
	uint8_t *slots = reallocarray(top->slots, capacity, top->stride);
	if (slots)
		top->slots = slots;
	uint32_t *order = slots ? reallocarray(top->order, capacity, sizeof(*order)) : NULL;
	if (!order)
		return -ENOMEM;
	top->order = order;
	top->capacity = capacity;
	return 0;
}

// Lets the entry at `at` of the heap sink to below those that come behind it in order.
static void sink(struct ebs_map_top *top, size_t at)
{
	uint32_t *order = top->order;
	uint32_t slot = order[at];

	for (;;) {
		size_t child = at * 2 + 1;

		if (child >= top->kept)
			break;
		if (child + 1 < top->kept && slot_precedes(top, order[child], order[child + 1]))
			child++;
		if (!slot_precedes(top, slot, order[child]))
			break;
		order[at] = order[child];
		at = child;
	}
	order[at] = slot;
}

static int add_entry(struct ebs_map_top *top, const uint8_t *key, const uint8_t *value)
{
	uint64_t ranks[EBS_TOP_FIELDS];

	for (uint32_t i = 0; i < top->fields; i++)
		ranks[i] = rank(top, &top->field[i], value, i == 0);
	top->seen++;
	if (top->kept == top->limit) {
		if (precedes(top, ranks, key, top->order[0])) {
			write_slot(top, top->order[0], ranks, key, value);
			sink(top, 0);
		}
		return 0;
	}
	if (top->kept == top->capacity && grow(top))
		return -ENOMEM;
	write_slot(top, top->kept, ranks, key, value);
	top->order[top->kept] = top->kept;
	top->kept++;
	for (size_t i = top->kept == top->limit ? top->kept / 2 : 0; i > 0; i--)
		sink(top, i - 1);
	return 0;
}

int ebs_map_top_add(struct ebs_map_top *top, const struct ebs_map_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++) {
		const uint8_t *key = batch->keys ? batch->keys + (size_t)i * top->map->key_size
						 : (const uint8_t *)&i;
		int result = add_entry(top, key, batch->values + i * batch->stride);

		if (result)
			return result;
	}
	return 0;
}

static int compare_slots(const void *one, const void *other, void *context)
{
	const struct ebs_map_top *top = context;
	uint32_t first = *(const uint32_t *)one;
	uint32_t second = *(const uint32_t *)other;

	return first == second ? 0 : slot_precedes(top, first, second) ? -1 : 1;
}

void ebs_map_top_sort(struct ebs_map_top *top)
{
	if (top->kept)
		qsort_r(top->order, top->kept, sizeof(*top->order), compare_slots, top);
}

const uint8_t *ebs_map_top_key(const struct ebs_map_top *top, size_t index)
{
	return slot_key(top, top->order[index]);
}

const uint8_t *ebs_map_top_value(const struct ebs_map_top *top, size_t index)
{
	return ebs_map_top_key(top, index) + top->map->key_size;
}
