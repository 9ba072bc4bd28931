// SPDX-License-Identifier: GPL-2.0-only
// What a spec of columns becomes: private to columns.c, which makes it, row.c and record.c.
#ifndef EBS_OUTPUT_SPEC_H
#define EBS_OUTPUT_SPEC_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "output/format.h"

struct ebs_column {
	struct ebs_buffer name;
	struct ebs_buffer title;  // the name in upper case
	struct ebs_buffer key;    // what stands before the value in JSON: {"uid": or ,"pcomm":
	struct ebs_buffer format; // the name of its formatter; empty: none
	const struct ebs_formatter *formatter; // NULL: values as they are
	size_t width;                          // characters
	bool right;
};

struct ebs_columns {
	struct ebs_column *list;
	size_t count;
	bool json;
	struct ebs_buffer titles; // the line of titles; empty in JSON
	locale_t number_locale;   // writes decimal points, whatever a script gave to os.setlocale()
};

struct ebs_row;
// The title of the next column, as a cell.
void ebs_row_title(struct ebs_row *row);

// Of valid UTF-8, in code points.
size_t ebs_count_characters(const char *data, size_t size);

#endif
