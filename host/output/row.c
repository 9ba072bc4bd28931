// SPDX-License-Identifier: GPL-2.0-only
// Writes a row value by value.
#include "output/columns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/escape.h"
#include "output/spec.h"

size_t ebs_count_characters(const char *data, size_t size)
{
	size_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += ((unsigned char)data[i] & 0xc0) != 0x80; // no continuation byte
	return count;
}

static void append_blanks(struct ebs_buffer *out, size_t count)
{
	static const char blanks[] = "                                ";

	while (count) {
		size_t part = count < sizeof(blanks) - 1 ? count : sizeof(blanks) - 1;
		ebs_buffer_append(out, blanks, part);
		count -= part;
	}
}

// How many characters the current cell is narrower than `width`.
static size_t missing_characters(const struct ebs_row *row, size_t width)
{
	size_t size = row->out->size - row->start;
	size_t characters = size ? ebs_count_characters(row->out->data + row->start, size) : 0;

	return characters < width ? width - characters : 0;
}

// Moves the current cell to the right by `count` characters.
static void indent_cell(struct ebs_row *row, size_t count)
{
	struct ebs_buffer *out = row->out;
	size_t size = out->size - row->start;

	append_blanks(out, count);
	if (out->failed)
		return;
	memmove(out->data + row->start + count, out->data + row->start, size);
	memset(out->data + row->start, ' ', count);
}

static bool is_ignored(const struct ebs_row *row)
{
	return row->column >= row->columns->count;
}

// What stands before a value or a list's element.
static void begin_value(struct ebs_row *row)
{
	struct ebs_buffer *out = row->out;

	if (row->in_list) {
		if (!row->first_element)
			ebs_buffer_append_char(out, row->columns->json ? ',' : ' ');
		row->first_element = false;
		return;
	}
	row->start = out->size;
	if (row->columns->json) {
		const struct ebs_buffer *key = &row->columns->list[row->column].key;
		ebs_buffer_append(out, key->data, key->size);
	}
}

// Ends the cell, unless it is a list's element that ended.
static void end_value(struct ebs_row *row)
{
	struct ebs_buffer *out = row->out;

	if (row->in_list)
		return;
	const struct ebs_column *column = &row->columns->list[row->column++];
	if (row->columns->json || out->failed)
		return;

	bool last = row->column == row->columns->count;
	bool empty = out->size == row->start;
	size_t padding = 0;
	if (column->right || !last)
		padding = missing_characters(row, column->width);
	if (column->right && padding) {
		indent_cell(row, padding);
		padding = 0;
	}
	if (!empty)
		row->end = out->size;
	if (!last)
		append_blanks(out, padding + 1);
}

// A whole value that needs no escaping.
static void append_value(struct ebs_row *row, const char *data, size_t size)
{
	if (is_ignored(row))
		return;
	begin_value(row);
	ebs_buffer_append(row->out, data, size);
	end_value(row);
}

void ebs_row_begin(struct ebs_row *row, const struct ebs_columns *columns, struct ebs_buffer *out)
{
	*row = (struct ebs_row){
		.columns = columns, .out = out, .start = out->size, .end = out->size
	};
}

void ebs_row_integer(struct ebs_row *row, int64_t value)
{
	char text[20]; // "-9223372036854775808"
	char *end = text + sizeof(text);
	char *begin = end;
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do {
		*--begin = '0' + rest % 10;
		rest /= 10;
	} while (rest);
	if (value < 0)
		*--begin = '-';
	append_value(row, begin, end - begin);
}

void ebs_row_number(struct ebs_row *row, double value)
{
	char text[32];
	bool json = row->columns->json;

	if (json && !isfinite(value)) {
		ebs_row_null(row);
		return;
	}
	if (isnan(value)) { // printf would show its sign
		append_value(row, "nan", 3);
		return;
	}
	// Whole numbers of up to 14 digits need no search for the right form.
	if (fabs(value) < 1e14 && value == (double)(int64_t)value) {
		ebs_row_integer(row, (int64_t)value);
		return;
	}
	locale_t previous = uselocale(row->columns->number_locale);
	int digits = json ? 15 : 14; // 17 digits always read back equal, 15 mostly do
	do {
		snprintf(text, sizeof(text), "%.*g", digits++, value);
	} while (json && digits <= 17 && strtod(text, NULL) != value);
	uselocale(previous);
	append_value(row, text, strlen(text));
}

void ebs_row_boolean(struct ebs_row *row, bool value)
{
	const char *text = value ? "true" : "false";

	append_value(row, text, strlen(text));
}

void ebs_row_string(struct ebs_row *row, const char *data, size_t size)
{
	if (is_ignored(row))
		return;
	begin_value(row);
	if (row->columns->json) {
		ebs_buffer_append_char(row->out, '"');
		ebs_escape_json(row->out, data, size);
		ebs_buffer_append_char(row->out, '"');
	} else {
		ebs_escape_text(row->out, data, size);
	}
	end_value(row);
}

void ebs_row_null(struct ebs_row *row)
{
	append_value(row, "null", row->columns->json ? 4 : 0);
}

void ebs_row_list_begin(struct ebs_row *row)
{
	if (!is_ignored(row)) {
		begin_value(row);
		if (row->columns->json)
			ebs_buffer_append_char(row->out, '[');
	}
	row->in_list = true;
	row->first_element = true;
}

void ebs_row_list_end(struct ebs_row *row)
{
	bool ignored = is_ignored(row) || !row->in_list;

	row->in_list = false;
	if (ignored)
		return;
	if (row->columns->json)
		ebs_buffer_append_char(row->out, ']');
	end_value(row);
}

void ebs_row_end(struct ebs_row *row)
{
	struct ebs_buffer *out = row->out;

	ebs_row_list_end(row); // where the caller left one open
	while (!is_ignored(row))
		ebs_row_null(row);
	if (row->columns->json)
		ebs_buffer_append_char(out, '}');
	else if (!out->failed)
		out->size = row->end; // no row ends in padding
	ebs_buffer_append_char(out, '\n');
}
