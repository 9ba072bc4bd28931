// SPDX-License-Identifier: GPL-2.0-only
// Rows of named columns, as aligned text or as one JSON object a line.
#ifndef EBS_OUTPUT_COLUMNS_H
#define EBS_OUTPUT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "output/format.h"

struct ebs_columns;

// `spec` names the columns, with blanks between: NAME, NAME:WIDTH (left-aligned) or NAME:>WIDTH
// (right-aligned), each with |FORMATTER behind it where values are to be formatted (format.h); a
// name that is no formatter's is the caller's to look at. The width counts characters (code
// points), 1 to 1000; a column is never narrower than its title. A value that is wider pushes the
// rest of its row, with one blank kept between; no row ends in padding. NULL with `error` filled
// when the spec is not of this form, names a column twice or none at all ("EINVAL"), or memory ran
// out.
struct ebs_columns *ebs_columns_new(const char *spec, bool json, struct ebs_error *error);
void ebs_columns_free(struct ebs_columns *columns);

size_t ebs_columns_count(const struct ebs_columns *columns);

// Of the column at `index`, which is below the count; the columns' own.
const char *ebs_columns_name(const struct ebs_columns *columns, size_t index);

// The name of the column's formatter, or NULL.
const char *ebs_columns_format(const struct ebs_columns *columns, size_t index);
const struct ebs_formatter *ebs_columns_formatter(const struct ebs_columns *columns, size_t index);
void ebs_columns_set_formatter(struct ebs_columns *columns, size_t index,
			       const struct ebs_formatter *formatter);

// Appends the line of titles (the names in upper case). Nothing in JSON.
void ebs_columns_header(const struct ebs_columns *columns, struct ebs_buffer *out);

// A row: begin, then one value for each column in order, then end, which appends the newline. A
// list is one value: its elements stand between list_begin and list_end. So is a record: key,
// value, key, value... between record_begin and record_end. They nest, 64 deep. Columns without a
// value are empty (text) or null (JSON); values behind the last column are ignored. Integers and
// strings go through the column's formatter, except ebs_row_text().
//
// Text: characters that could steer the reader's terminal and bytes that are no UTF-8 are escaped
// (escape.h); the elements of a list have a blank between, records are {a=1 b=2}; numbers have up
// to 14 digits, as in Lua. JSON: always valid UTF-8 (bytes that are not become U+FFFD); integers
// are exact, numbers have the digits that they need to read back equal, whatever the locale; NaN
// and infinities are null.
//
// The fields are the functions' own. `columns` must outlive the row.
struct ebs_row {
	const struct ebs_columns *columns;
	struct ebs_buffer *out;
	size_t column;    // the next value's
	size_t start;     // where the current column began in `out`
	size_t end;       // where the last value that was not empty ended
	unsigned depth;   // of lists and records that are open
	uint64_t filled;  // a bit for each of them: it has an element already
	uint64_t records; // the same: it is a record
	bool keyed;       // a key was written, and its value comes next
};

void ebs_row_begin(struct ebs_row *row, const struct ebs_columns *columns, struct ebs_buffer *out);
void ebs_row_integer(struct ebs_row *row, int64_t value);
void ebs_row_unsigned(struct ebs_row *row, uint64_t value);
// An integer of a type with names.
void ebs_row_named(struct ebs_row *row, int64_t value, const struct ebs_enum_names *names);
void ebs_row_number(struct ebs_row *row, double value);
void ebs_row_boolean(struct ebs_row *row, bool value);
void ebs_row_string(struct ebs_row *row, const char *data, size_t size);
void ebs_row_text(struct ebs_row *row, const char *data, size_t size);
void ebs_row_null(struct ebs_row *row);
void ebs_row_list_begin(struct ebs_row *row);
void ebs_row_list_end(struct ebs_row *row);
void ebs_row_record_begin(struct ebs_row *row);
void ebs_row_key(struct ebs_row *row, const char *name, size_t size);
void ebs_row_record_end(struct ebs_row *row);
void ebs_row_end(struct ebs_row *row);

#endif
