// SPDX-License-Identifier: GPL-2.0-only
// Any bytes as a spec of columns, and behind a NUL as the values of a row.
#include "fuzz.h"

#include <locale.h>

#include "output/columns.h"
#include "output/escape.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}

// The length of the character at `data`, 0 for what is no UTF-8. Written anew: the host's own idea
// of it is what is being tested.
static size_t character(const unsigned char *data, size_t size, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = *data < 0x80             ? 1
			: (*data & 0xe0) == 0xc0 ? 2
			: (*data & 0xf0) == 0xe0 ? 3
			: (*data & 0xf8) == 0xf0 ? 4
						 : 0;

	if (!length || length > size)
		return 0;
	*code = length == 1 ? *data : *data & (0x7f >> length);
	for (size_t i = 1; i < length; i++) {
		if ((data[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (data[i] & 0x3f);
	}
	if (*code < least[length] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return length;
}

// Nothing but whole characters, none of which steers a terminal.
static void check_text(const char *data, size_t size)
{
	for (size_t at = 0; at < size;) {
		uint32_t code = 0;
		size_t length = character((const unsigned char *)data + at, size - at, &code);

		MUST(length);
		MUST(code >= 0x20 && !(code >= 0x7f && code < 0xa0));
		MUST(!(code >= 0x202a && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069));
		at += length;
	}
}

// A row is one line.
static void check_row(const struct ebs_buffer *out, size_t start)
{
	MUST(!out->failed && out->size > start && out->data[out->size - 1] == '\n');
	check_text(out->data + start, out->size - start - 1);
}

// Braces, brackets and quotes of a JSON line close in order.
static void check_json(const char *data, size_t size)
{
	char open[4];
	size_t depth = 0;
	bool quoted = false;

	MUST(data[0] == '{' && data[size - 1] == '}');
	for (size_t i = 0; i < size; i++) {
		if (quoted) {
			if (data[i] == '\\')
				i++;
			else
				quoted = data[i] != '"';
			continue;
		}
		switch (data[i]) {
		case '"':
			quoted = true;
			break;
		case '{':
		case '[':
			MUST(depth < sizeof(open));
			open[depth++] = data[i];
			break;
		case '}':
		case ']':
			MUST(depth-- && open[depth] == (data[i] == '}' ? '{' : '['));
			break;
		}
	}
	MUST(!quoted && !depth);
}

static void write_value(struct ebs_row *row, struct choices *choices, int depth)
{
	unsigned pick = choose(choices, 1);
	uint64_t bits;
	double number;
	size_t size;
	const char *bytes;

	switch (pick % 6) {
	case 0:
		ebs_row_integer(row, (int64_t)choose(choices, 1 + pick / 6 % 8));
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
		bytes = choose_bytes(choices, pick / 6, &size);
		ebs_row_string(row, bytes, size);
		break;
	case 5:
		if (depth)
			break;
		ebs_row_list_begin(row);
		for (unsigned i = 0; i < pick / 6 % 5; i++)
			write_value(row, choices, depth + 1);
		ebs_row_list_end(row);
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
