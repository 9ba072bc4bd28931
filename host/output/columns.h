// SPDX-License-Identifier: GPL-2.0-only
// Rows of named columns, as aligned text or as one JSON object a line.
#ifndef EBS_OUTPUT_COLUMNS_H
#define EBS_OUTPUT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

struct ebs_columns;

// `spec` names the columns, with blanks between: NAME, NAME:WIDTH (left-aligned) or NAME:>WIDTH
// (right-aligned). The width counts characters (code points), 1 to 1000; a column is never narrower
// than its title. A value that is wider pushes the rest of its row, with one blank kept between; no
// row ends in padding. NULL with `error` filled when the spec is not of this form, names a column
// twice or none at all ("EINVAL"), or memory ran out.
struct ebs_columns *ebs_columns_new(const char *spec, bool json, struct ebs_error *error);
void ebs_columns_free(struct ebs_columns *columns);

size_t ebs_columns_count(const struct ebs_columns *columns);

// Of the column at `index`, which is below the count; the columns' own.
const char *ebs_columns_name(const struct ebs_columns *columns, size_t index);

// Appends the line of titles (the names in upper case). Nothing in JSON.
void ebs_columns_header(const struct ebs_columns *columns, struct ebs_buffer *out);

// A row: begin, then one value for each column in order, then end, which appends the newline. A
// list is one value: its elements stand between list_begin and list_end. Columns without a value
// are empty (text) or null (JSON); values behind the last column are ignored. Lists don't nest.
//
// Text: characters that could steer the reader's terminal and bytes that are no UTF-8 are escaped
// (escape.h); the elements of a list have a blank between; numbers have up to 14 digits, as in Lua.
// JSON: always valid UTF-8 (bytes that are not become U+FFFD); integers are exact, numbers have the
// digits that they need to read back equal, whatever the locale; NaN and infinities are null.
//
// The fields are the functions' own. `columns` must outlive the row.
struct ebs_row {
	const struct ebs_columns *columns;
	struct ebs_buffer *out;
	size_t column; // the next value's
	size_t start;  // where the current column began in `out`
	size_t end;    // where the last value that was not empty ended
	bool in_list;
	bool first_element;
};

void ebs_row_begin(struct ebs_row *row, const struct ebs_columns *columns, struct ebs_buffer *out);
void ebs_row_integer(struct ebs_row *row, int64_t value);
void ebs_row_number(struct ebs_row *row, double value);
void ebs_row_boolean(struct ebs_row *row, bool value);
void ebs_row_string(struct ebs_row *row, const char *data, size_t size);
void ebs_row_null(struct ebs_row *row);
void ebs_row_list_begin(struct ebs_row *row);
void ebs_row_list_end(struct ebs_row *row);
void ebs_row_end(struct ebs_row *row);

#endif
