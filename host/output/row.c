// SPDX-License-Identifier: GPL-2.0-only
// Writes a row value by value.
#include "output/columns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/cell.h"
#include "output/escape.h"
#include "output/format.h"
#include "output/spec.h"

#define MAX_DEPTH 64 // of lists and records in each other: bits of a word; deeper ones are null

size_t ebs_count_characters(const char *data, size_t size)
{
	size_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += ((unsigned char)data[i] & 0xc0) != 0x80; // no continuation byte
	return count;
}

static bool is_ignored(const struct ebs_row *row)
{
	return row->column >= row->columns->count || row->depth > MAX_DEPTH;
}

// What stands before a value: of a column, of a list's element, of a record's field.
static void begin_value(struct ebs_row *row)
{
	struct ebs_buffer *out = row->out;

	if (row->keyed) {
		row->keyed = false;
	} else if (row->depth) {
		if (row->filled & UINT64_C(1) << (row->depth - 1))
			ebs_buffer_append_char(out, row->columns->json ? ',' : ' ');
		row->filled |= UINT64_C(1) << (row->depth - 1);
	} else {
		row->start = out->size;
		if (row->columns->json) {
			const struct ebs_buffer *key = &row->columns->list[row->column].key;
			ebs_buffer_append(out, key->data, key->size);
		}
	}
}

// Ends the cell, unless it is only a part of one that ended.
static void end_value(struct ebs_row *row)
{
	struct ebs_buffer *out = row->out;

	if (row->depth)
		return;
	const struct ebs_column *column = &row->columns->list[row->column++];
	if (row->columns->json || out->failed)
		return;

	size_t size = out->size - row->start;
	size_t characters = size ? ebs_count_characters(out->data + row->start, size) : 0;
	size_t padding = characters < column->width ? column->width - characters : 0;
	if (!ebs_buffer_room(out, padding + 1))
		return;
	char *cell = out->data + row->start;
	if (column->right) {
		memmove(cell + padding, cell, size);
		memset(cell, ' ', padding);
	} else {
		memset(cell + size, ' ', padding);
	}
	if (size)
		row->end = row->start + size + (column->right ? padding : 0);
	out->size += padding;
	out->data[out->size++] = ' ';
}

// A whole value that needs no escaping, of as many characters as bytes.
static void append_plain(struct ebs_row *row, const char *data, size_t size, bool quoted)
{
	if (is_ignored(row))
		return;
	if (!row->depth) {
		ebs_cell_append(row, data, size, quoted);
		return;
	}
	begin_value(row);
	if (quoted)
		ebs_buffer_append_char(row->out, '"');
	ebs_buffer_append(row->out, data, size);
	if (quoted)
		ebs_buffer_append_char(row->out, '"');
	end_value(row);
}

// Writes the value as its column's formatter does. Returns false, and writes nothing, when the
// value is to be written as it is.
static bool append_formatted(struct ebs_row *row, const struct ebs_scalar *value)
{
	char text[EBS_FORMATTED_SIZE];

	if (is_ignored(row))
		return false;
	const struct ebs_formatter *formatter = row->columns->list[row->column].formatter;
	bool json = row->columns->json;
	if (!formatter || (json && formatter->json == EBS_JSON_RAW))
		return false;
	size_t size = formatter->format(text, value, json);
	if (!size)
		return false;
	append_plain(row, text, size, json && formatter->json == EBS_JSON_TEXT);
	return true;
}

void ebs_row_begin(struct ebs_row *row, const struct ebs_columns *columns, struct ebs_buffer *out)
{
	*row = (struct ebs_row){
		.columns = columns, .out = out, .start = out->size, .end = out->size
	};
}

static void append_integer(struct ebs_row *row, uint64_t magnitude, bool negative)
{
	char text[1 + EBS_DECIMAL_SIZE];
	char *end = text + sizeof(text);

	if (is_ignored(row))
		return;
	if (!row->depth) {
		ebs_cell_integer(row, magnitude, negative);
		return;
	}
	char *begin = ebs_decimal(end, magnitude);
	if (negative)
		*--begin = '-';
	append_plain(row, begin, end - begin, false);
}

void ebs_row_integer(struct ebs_row *row, int64_t value)
{
	struct ebs_scalar scalar = ebs_scalar_integer(value);

	if (!append_formatted(row, &scalar))
		append_integer(row, ebs_magnitude(value), value < 0);
}

void ebs_row_unsigned(struct ebs_row *row, uint64_t value)
{
	struct ebs_scalar scalar = ebs_scalar_integer((int64_t)value);

	if (!append_formatted(row, &scalar))
		append_integer(row, value, false);
}

void ebs_row_named(struct ebs_row *row, int64_t value, const struct ebs_enum_names *names)
{
	struct ebs_scalar scalar = ebs_scalar_integer(value);

	scalar.names = names;
	if (!append_formatted(row, &scalar))
		ebs_row_integer(row, value);
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
		append_plain(row, "nan", 3, false);
		return;
	}
	// Whole numbers of up to 14 digits need no search for the right form.
	if (fabs(value) < 1e14 && value == (double)(int64_t)value) {
		ebs_row_integer(row, (int64_t)value);
		return;
	}
	if (fabs(value) < 0x1p63) {
		struct ebs_scalar scalar = ebs_scalar_integer((int64_t)value);
		if (append_formatted(row, &scalar))
			return;
	}
	locale_t previous = uselocale(row->columns->number_locale);
	int digits = json ? 15 : 14; // 17 digits always read back equal, 15 mostly do
	do {
		snprintf(text, sizeof(text), "%.*g", digits++, value);
	} while (json && digits <= 17 && strtod(text, NULL) != value);
	uselocale(previous);
	append_plain(row, text, strlen(text), false);
}

void ebs_row_boolean(struct ebs_row *row, bool value)
{
	const char *text = value ? "true" : "false";

	append_plain(row, text, strlen(text), false);
}

static void append_string(struct ebs_row *row, const char *data, size_t size)
{
	bool json = row->columns->json;

	if (ebs_is_plain(data, size)) {
		append_plain(row, data, size, json);
		return;
	}
	begin_value(row);
	if (json) {
		ebs_buffer_append_char(row->out, '"');
		ebs_escape_json(row->out, data, size);
		ebs_buffer_append_char(row->out, '"');
	} else {
		ebs_escape_text(row->out, data, size);
	}
	end_value(row);
}

void ebs_row_title(struct ebs_row *row)
{
	const struct ebs_buffer *title = &row->columns->list[row->column].title;

	append_string(row, title->data, title->size);
}

void ebs_row_text(struct ebs_row *row, const char *data, size_t size)
{
	if (!is_ignored(row))
		append_string(row, data, size);
}

void ebs_row_string(struct ebs_row *row, const char *data, size_t size)
{
	struct ebs_scalar scalar = ebs_scalar_bytes(data, size);

	if (!is_ignored(row) && !append_formatted(row, &scalar))
		append_string(row, data, size);
}

void ebs_row_null(struct ebs_row *row)
{
	append_plain(row, "null", row->columns->json ? 4 : 0, false);
}

// Text has no brackets around a column's own list.
static bool has_bracket(const struct ebs_row *row, bool record)
{
	return row->columns->json || row->depth || record;
}

static void begin_group(struct ebs_row *row, bool record)
{
	uint64_t bit = UINT64_C(1) << (row->depth & (MAX_DEPTH - 1));

	if (is_ignored(row)) {
		row->depth++;
	} else if (row->depth == MAX_DEPTH) {
		ebs_row_null(row);
		row->depth++;
	} else {
		begin_value(row);
		if (has_bracket(row, record))
			ebs_buffer_append_char(row->out, record ? '{' : '[');
		row->filled &= ~bit;
		row->records = record ? row->records | bit : row->records & ~bit;
		row->depth++;
	}
}

static void end_group(struct ebs_row *row)
{
	if (!row->depth)
		return;
	row->depth--;
	row->keyed = false;
	if (row->depth >= MAX_DEPTH || is_ignored(row))
		return;
	bool record = row->records & UINT64_C(1) << row->depth;
	if (has_bracket(row, record))
		ebs_buffer_append_char(row->out, record ? '}' : ']');
	end_value(row);
}

void ebs_row_list_begin(struct ebs_row *row)
{
	begin_group(row, false);
}

void ebs_row_list_end(struct ebs_row *row)
{
	end_group(row);
}

void ebs_row_record_begin(struct ebs_row *row)
{
	begin_group(row, true);
}

void ebs_row_record_end(struct ebs_row *row)
{
	end_group(row);
}

void ebs_row_key(struct ebs_row *row, const char *name, size_t size)
{
	if (is_ignored(row) || !row->depth)
		return;
	begin_value(row);
	if (row->columns->json) {
		ebs_buffer_append_char(row->out, '"');
		ebs_escape_json(row->out, name, size);
		ebs_buffer_append(row->out, "\":", 2);
	} else {
		ebs_escape_text(row->out, name, size);
		ebs_buffer_append_char(row->out, '=');
	}
	row->keyed = true;
}

void ebs_row_end(struct ebs_row *row)
{
	struct ebs_buffer *out = row->out;

	while (row->depth) // what the caller left open
		end_group(row);
	while (!is_ignored(row))
		ebs_row_null(row);
	if (row->columns->json)
		ebs_buffer_append_char(out, '}');
	else if (!out->failed)
		out->size = row->end; // no row ends in padding
	ebs_buffer_append_char(out, '\n');
}
