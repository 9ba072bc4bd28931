// SPDX-License-Identifier: GPL-2.0-only
// A whole cell in one go: nearly all are such, and this is what a row costs.
#ifndef EBS_OUTPUT_CELL_H
#define EBS_OUTPUT_CELL_H

#include <string.h>

#include "output/columns.h"
#include "output/number.h"
#include "output/spec.h"

#define EBS_CELL_BLOCK 16 // bytes that are written at once, and so may be written behind a cell

// Digits and names: calling memcpy() would cost more than copying them.
static inline void ebs_copy_short(char *to, const char *from, size_t size)
{
	if (size > 16) {
		memcpy(to, from, size);
	} else if (size >= 8) {
		memcpy(to, from, 8);
		memcpy(to + size - 8, from + size - 8, 8);
	} else if (size >= 4) {
		memcpy(to, from, 4);
		memcpy(to + size - 4, from + size - 4, 4);
	} else if (size) {
		to[0] = from[0];
		to[size / 2] = from[size / 2];
		to[size - 1] = from[size - 1];
	}
}

static inline char *ebs_cell_place_json(struct ebs_row *row, const struct ebs_column *column,
					size_t size, bool quoted)
{
	struct ebs_buffer *out = row->out;
	char *to = ebs_buffer_room(out, column->key.size + size + 2);

	if (!to)
		return NULL;
	ebs_copy_short(to, column->key.data, column->key.size);
	to += column->key.size;
	if (quoted) {
		*to++ = '"';
		to[size] = '"';
	}
	out->size = to + size + quoted - out->data;
	return to;
}

// Begins and ends the next column's cell, and returns where its value goes, which needs no escaping
// and has as many characters as bytes; NULL when memory is short. No list or record is open, and
// there is a next column.
static inline char *ebs_cell_place(struct ebs_row *row, size_t size, bool quoted)
{
	static const char blanks[EBS_CELL_BLOCK + 1] = "                ";
	const struct ebs_column *column = &row->columns->list[row->column++];
	struct ebs_buffer *out = row->out;

	if (row->columns->json)
		return ebs_cell_place_json(row, column, size, quoted);
	size_t width = size < column->width ? column->width : size;
	char *to = ebs_buffer_room(out, width + EBS_CELL_BLOCK);
	if (!to)
		return NULL;
	for (size_t at = 0; at <= width; at += EBS_CELL_BLOCK) // the blank behind it too
		memcpy(to + at, blanks, EBS_CELL_BLOCK);
	size_t indent = column->right ? width - size : 0;
	if (size)
		row->end = out->size + indent + size;
	out->size += width + 1;
	return to + indent;
}

static inline void ebs_cell_append(struct ebs_row *row, const char *data, size_t size, bool quoted)
{
	char *to = ebs_cell_place(row, size, quoted);

	if (to)
		ebs_copy_short(to, data, size);
}

// Digits are written where they stay: what was just written byte by byte is slow to copy.
static inline void ebs_cell_integer(struct ebs_row *row, uint64_t magnitude, bool negative)
{
	size_t size = ebs_decimal_digits(magnitude) + negative;
	char *to = ebs_cell_place(row, size, false);

	if (!to)
		return;
	ebs_decimal(to + size, magnitude);
	if (negative)
		*to = '-';
}

#endif
