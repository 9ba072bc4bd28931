// SPDX-License-Identifier: GPL-2.0-only
// Places and lines of C, as clang shows them.
#include "kernel/refusal_private.h"

static bool colour;

void ebs_refusal_colour(bool on)
{
	colour = on;
}

// A sequence for terminals, or nothing.
static const char *paint(const char *sequence)
{
	return colour ? sequence : "";
}

// What follows it is bold on a terminal when it is an error, up to the line of C.
void ebs_refusal_show_place(struct ebs_buffer *out, const struct ebs_line *line, enum ebs_show kind)
{
	ebs_buffer_printf(out, "%s%s:%u:", paint("\033[1m"), line->file, line->line);
	if (line->column)
		ebs_buffer_printf(out, "%u:", line->column);
	if (kind == EBS_SHOW_ERROR)
		ebs_buffer_printf(out, " %serror: %s%s", paint("\033[0;1;31m"), paint("\033[0m"),
				  paint("\033[1m"));
	else
		ebs_buffer_printf(out, " %snote: %s", paint("\033[0;1;30m"), paint("\033[0m"));
}

// The line, and below it what is meant, from its column on. Tabs become blanks.
void ebs_refusal_show_line(struct ebs_buffer *out, const struct ebs_line *line, size_t length)
{
	size_t start = 0; // of what is meant, as shown
	size_t width = 0;

	ebs_buffer_printf(out, "%s\n%5u | ", paint("\033[0m"), line->line);
	for (size_t i = 0; line->text[i] && line->text[i] != '\n'; i++) {
		size_t next = line->text[i] == '\t' ? (width / 8 + 1) * 8 : width + 1;

		if (i + 1 == line->column)
			start = width;
		if ((line->text[i] & 0xc0) == 0x80) // more of a character of UTF-8
			next = width;
		if (line->text[i] == '\t')
			ebs_buffer_printf(out, "%*s", (int)(next - width), "");
		else
			ebs_buffer_append_char(out, line->text[i]);
		width = next;
	}
	if (!line->column)
		return;
	ebs_buffer_printf(out, "\n      | %*s%s^", (int)start, "", paint("\033[0;1;32m"));
	while (length-- > 1)
		ebs_buffer_append_char(out, '~');
	ebs_buffer_append_string(out, paint("\033[0m"));
}
