// SPDX-License-Identifier: GPL-2.0-only
// Any bytes as a spec of columns, and behind a NUL as the values of a row.
#include "rows.h"

#include "output/columns.h"
#include "output/escape.h"
#include "output/format.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}

#define DEEPEST 6

static const struct ebs_enum_names names = {
	.count = 2,
	.list = { { 1, "one" }, { 200, "two_hundred" } },
};

static void write_value(struct ebs_row *row, struct choices *choices, int depth)
{
	unsigned pick = choose(choices, 1);
	uint64_t bits;
	double number;
	size_t size;
	const char *bytes;

	switch (pick % 9) {
	case 0:
		ebs_row_integer(row, (int64_t)choose(choices, 1 + pick / 9 % 8));
		break;
	case 1:
		bits = choose(choices, 8);
		memcpy(&number, &bits, 8);
		ebs_row_number(row, number);
		break;
	case 2:
		ebs_row_boolean(row, pick & 64);
		break;
	case 3:
		ebs_row_null(row);
		break;
	case 4:
		bytes = choose_bytes(choices, pick / 2, &size);
		ebs_row_string(row, bytes, size);
		break;
	case 5:
		if (depth == DEEPEST)
			break;
		ebs_row_list_begin(row);
		for (unsigned i = 0; i < pick / 9 % 5; i++)
			write_value(row, choices, depth + 1);
		ebs_row_list_end(row);
		break;
	case 6:
		if (depth == DEEPEST)
			break;
		ebs_row_record_begin(row);
		for (unsigned i = 0; i < pick / 9 % 5; i++) {
			bytes = choose_bytes(choices, 3, &size);
			ebs_row_key(row, bytes, size);
			write_value(row, choices, depth + 1);
		}
		ebs_row_record_end(row);
		break;
	case 7:
		ebs_row_unsigned(row, choose(choices, 8));
		break;
	case 8:
		ebs_row_named(row, (int64_t)choose(choices, 1), &names);
		break;
	}
}

static void write_row(const struct ebs_columns *columns, bool json, struct choices *choices)
{
	struct ebs_buffer out = { 0 };
	struct ebs_row row;
	size_t count = ebs_columns_count(columns);

	MUST(count);
	for (size_t i = 0; i < count; i++)
		MUST(*ebs_columns_name(columns, i));
	ebs_columns_header(columns, &out);
	if (out.size)
		check_row(&out, 0);
	MUST(json == !out.size);
	size_t start = out.size;
	ebs_row_begin(&row, columns, &out);
	// Sometimes fewer values than columns, sometimes more.
	for (size_t i = choose(choices, 1) % 4; i < count + 2; i++)
		write_value(&row, choices, 0);
	ebs_row_end(&row);
	check_row(&out, start);
	if (json)
		check_json(out.data + start, out.size - start - 1);
	ebs_buffer_free(&out);
}

static void escape(const char *data, size_t size)
{
	struct ebs_buffer out = { 0 };

	ebs_escape_text(&out, data, size);
	check_text(out.data ? out.data : "", out.size);
	ebs_buffer_clear(&out);
	ebs_escape_json(&out, data, size);
	check_text(out.data ? out.data : "", out.size);
	ebs_buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, 0, size);

	escape((const char *)data, size);
	if (!end)
		return 0;
	for (int json = 0; json < 2; json++) {
		struct choices choices = { end + 1, size - (end + 1 - data) };
		struct ebs_error error = { 0 };
		struct ebs_columns *columns = ebs_columns_new((const char *)data, json, &error);

		MUST(!columns == ebs_error_is_set(&error));
		if (columns)
			write_row(columns, json, &choices);
		ebs_columns_free(columns);
		ebs_error_clear(&error);
	}
	return 0;
}
