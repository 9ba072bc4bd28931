// SPDX-License-Identifier: GPL-2.0-only
// What must hold of every row, whatever is in it.
#ifndef EBS_TESTS_FUZZ_ROWS_H
#define EBS_TESTS_FUZZ_ROWS_H

#include "fuzz.h"

// The length of the character at `data`, 0 for what is no UTF-8. Written anew: the host's own idea
// of it is what is being tested.
static inline size_t character(const unsigned char *data, size_t size, uint32_t *code)
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
static inline void check_text(const char *data, size_t size)
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
static inline void check_row(const struct ebs_buffer *out, size_t start)
{
	MUST(!out->failed && out->size > start && out->data[out->size - 1] == '\n');
	check_text(out->data + start, out->size - start - 1);
}

// Braces, brackets and quotes of a JSON line close in order.
static inline void check_json(const char *data, size_t size)
{
	char open[80];
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

#endif
