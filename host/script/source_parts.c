// SPDX-License-Identifier: GPL-2.0-only
// C that was put together from several strings of a Lua file: which lines it has there.
#include "script/source_parts.h"

#include <string.h>

#include "script/literals.h"

// A string of the file whose lines are the file's.
struct part {
	size_t start; // of what it stands for, among all of them
	size_t size;
	struct ebs_literal literal;
};

struct parts {
	struct ebs_buffer list;    // struct part
	struct ebs_buffer decoded; // what they stand for
};

static void collect(struct parts *parts, const char *file, size_t size)
{
	struct ebs_literals scan = {
		.next = file, .end = file + size, .line_start = file, .line = 1
	};
	struct part part;

	while (ebs_literals_next(&scan, &part.literal)) {
		part.start = parts->decoded.size;
		bool straight = ebs_literal_decode(&part.literal, &parts->decoded);
		part.size = parts->decoded.size - part.start;
		if (straight && part.size)
			ebs_buffer_append(&parts->list, &part, sizeof(part));
	}
}

// The longest part that the text begins with. NULL when there is none, or two that are equal.
static const struct part *find(const struct parts *parts, const char *text, size_t size)
{
	const struct part *list = (const void *)parts->list.data;
	const struct part *best = NULL;
	bool twice = false;

	for (size_t i = 0; i < parts->list.size / sizeof(*list); i++) {
		const struct part *part = &list[i];

		if (part->size > size || (best && part->size < best->size) ||
		    memcmp(parts->decoded.data + part->start, text, part->size))
			continue;
		twice = best && part->size == best->size;
		best = part;
	}
	return twice ? NULL : best;
}

// Whether a line begins here, which one may put blanks and blank lines before.
static bool begins_line(const char *text, size_t position)
{
	if (position == 0)
		return true;
	return text[position - 1] == '\n' && (position == 1 || text[position - 2] != '\\');
}

static int count_lines(const char *text, size_t size)
{
	int lines = 0;

	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	return lines;
}

bool ebs_source_join(const char *file, size_t file_size, const char *text, size_t size,
		     struct ebs_buffer *out)
{
	struct parts parts = { 0 };
	int line = 1;
	size_t position = 0;

	collect(&parts, file, file_size);
	while (position < size && !parts.list.failed && !parts.decoded.failed) {
		const struct part *part = find(&parts, text + position, size - position);

		if (!part || part->literal.line < line || !begins_line(text, position))
			break;
		ebs_source_pad(out, &part->literal, line);
		ebs_buffer_append(out, text + position, part->size);
		line = part->literal.line + count_lines(text + position, part->size);
		position += part->size;
	}
	ebs_buffer_free(&parts.list);
	ebs_buffer_free(&parts.decoded);
	if (position < size)
		ebs_buffer_clear(out);
	return position == size && size;
}

void ebs_source_pad(struct ebs_buffer *out, const struct ebs_literal *literal, int line)
{
	for (; line < literal->line; line++)
		ebs_buffer_append_char(out, '\n');
	for (const char *c = literal->line_start; c < literal->text; c++)
		ebs_buffer_append_char(out, *c == '\t' ? '\t' : ' ');
}
