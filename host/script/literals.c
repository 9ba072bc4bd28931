// SPDX-License-Identifier: GPL-2.0-only
// The strings that stand in a Lua script's text, and where.
#include "script/literals.h"

#include <stdint.h>
#include <string.h>

static int peek(const struct ebs_literals *scan, int ahead)
{
	return scan->end - scan->next > ahead ? (unsigned char)scan->next[ahead] : -1;
}

static bool is_newline(int c)
{
	return c == '\n' || c == '\r';
}

// "\r\n" and "\n\r" are one, as Lua has it. Returns how many bytes.
static int newline_size(const char *text, const char *end)
{
	return end - text > 1 && is_newline(text[1]) && text[1] != text[0] ? 2 : 1;
}

static void pass_newline(struct ebs_literals *scan)
{
	scan->next += newline_size(scan->next, scan->end);
	scan->line_start = scan->next;
	scan->line++;
}

// At a [: the number of = in "[===[", or -1.
static int bracket_level(const struct ebs_literals *scan)
{
	int level = 0;

	while (peek(scan, level + 1) == '=')
		level++;
	return peek(scan, level + 1) == '[' ? level : -1;
}

static void begin(const struct ebs_literals *scan, struct ebs_literal *literal)
{
	literal->text = scan->next;
	literal->line_start = scan->line_start;
	literal->line = scan->line;
}

static void take_long(struct ebs_literals *scan, int level, struct ebs_literal *literal)
{
	scan->next += level + 2;
	if (is_newline(peek(scan, 0)))
		pass_newline(scan);
	begin(scan, literal);
	for (; scan->next < scan->end;) {
		if (*scan->next == ']') {
			int equals = 0;
			while (peek(scan, equals + 1) == '=')
				equals++;
			if (equals == level && peek(scan, equals + 1) == ']') {
				literal->end = scan->next;
				scan->next += level + 2;
				return;
			}
		}
		if (is_newline(*scan->next))
			pass_newline(scan);
		else
			scan->next++;
	}
	literal->end = scan->end;
}

static void take_quoted(struct ebs_literals *scan, struct ebs_literal *literal)
{
	int quote = (unsigned char)*scan->next++;
	bool skipping = false; // behind \z

	begin(scan, literal);
	while (scan->next < scan->end) {
		int c = (unsigned char)*scan->next;

		if (is_newline(c) && !skipping) // a fault in the script
			break;
		if (c == quote)
			break;
		if (is_newline(c)) {
			pass_newline(scan);
			continue;
		}
		skipping &= c == ' ' || c == '\t' || c == '\v' || c == '\f';
		scan->next++;
		if (c != '\\')
			continue;
		c = peek(scan, 0);
		skipping = c == 'z';
		if (is_newline(c))
			pass_newline(scan);
		else if (c >= 0)
			scan->next++;
	}
	literal->end = scan->next;
	if (peek(scan, 0) == quote)
		scan->next++;
}

static void skip_comment(struct ebs_literals *scan)
{
	struct ebs_literal comment;

	scan->next += 2;
	int level = peek(scan, 0) == '[' ? bracket_level(scan) : -1;
	if (level >= 0)
		take_long(scan, level, &comment);
	else
		while (scan->next < scan->end && !is_newline(*scan->next))
			scan->next++;
}

bool ebs_literals_next(struct ebs_literals *scan, struct ebs_literal *literal)
{
	if (scan->line == 1 && scan->next == scan->line_start && peek(scan, 0) == '#')
		while (scan->next < scan->end && !is_newline(*scan->next))
			scan->next++;
	while (scan->next < scan->end) {
		char c = *scan->next;
		int level = c == '[' ? bracket_level(scan) : -1;

		if (level >= 0 || c == '"' || c == '\'') {
			literal->quote = c;
			if (level >= 0)
				take_long(scan, level, literal);
			else
				take_quoted(scan, literal);
			return true;
		}
		if (c == '-' && peek(scan, 1) == '-') {
			skip_comment(scan);
			continue;
		}
		if (is_newline(c)) {
			pass_newline(scan);
			continue;
		}
		if (strchr("([{", c) && c) {
			if (scan->depth < EBS_LITERALS_DEPTH)
				scan->open[scan->depth] = scan->line;
			scan->depth++;
		} else if (strchr(")]}", c) && c && scan->depth) {
			scan->depth--;
		}
		scan->next++;
	}
	return false;
}

bool ebs_literals_inside(const struct ebs_literals *scan, int line)
{
	for (int i = 0; i < scan->depth && i < EBS_LITERALS_DEPTH; i++)
		if (scan->open[i] == line)
			return true;
	return false;
}

// What is decoded, and whether its lines are still the script's.
struct decoder {
	const char *next;
	const char *end;
	struct ebs_buffer *out;
	int script_lines; // passed so far
	int lines;
	bool straight;
};

static void emit(struct decoder *decoder, char c)
{
	if (c == '\n')
		decoder->lines++;
	else
		decoder->straight &= decoder->lines == decoder->script_lines;
	ebs_buffer_append_char(decoder->out, c);
}

static void decode_newline(struct decoder *decoder)
{
	decoder->next += newline_size(decoder->next, decoder->end);
	decoder->script_lines++;
}

static int digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

// Up to `most` digits.
static uint32_t decode_number(struct decoder *decoder, int base, int most)
{
	uint32_t number = 0;

	for (; most && decoder->next < decoder->end && digit(*decoder->next) < base; most--)
		number = number * base + digit(*decoder->next++);
	return number;
}

// UTF-8 in up to six bytes, as Lua has it.
static void emit_character(struct decoder *decoder, uint32_t number)
{
	char bytes[6];
	int count = 0;
	uint32_t first = 0x3f; // the most that still fits into the first byte

	if (number < 0x80) {
		emit(decoder, (char)number);
		return;
	}
	while (number > first) {
		bytes[count++] = (char)(0x80 | (number & 0x3f));
		number >>= 6;
		first >>= 1;
	}
	emit(decoder, (char)((~first << 1) | number));
	while (count)
		emit(decoder, bytes[--count]);
}

static void decode_escape(struct decoder *decoder)
{
	static const char letters[] = "abfnrtv";
	static const char meanings[] = "\a\b\f\n\r\t\v";

	if (decoder->next == decoder->end)
		return;
	char c = *decoder->next;
	const char *letter = c ? strchr(letters, c) : NULL;
	if (is_newline(c)) {
		decode_newline(decoder);
		emit(decoder, '\n');
		return;
	}
	if (c >= '0' && c <= '9') {
		emit(decoder, (char)decode_number(decoder, 10, 3));
		return;
	}
	decoder->next++;
	if (letter) {
		emit(decoder, meanings[letter - letters]);
	} else if (c == 'x') {
		emit(decoder, (char)decode_number(decoder, 16, 2));
	} else if (c == 'u' && decoder->next < decoder->end) {
		decoder->next++; // {
		emit_character(decoder, decode_number(decoder, 16, 8));
		decoder->next += decoder->next < decoder->end;
	} else if (c == 'z') {
		while (decoder->next < decoder->end && *decoder->next &&
		       strchr(" \t\v\f\r\n", *decoder->next)) {
			if (is_newline(*decoder->next))
				decode_newline(decoder);
			else
				decoder->next++;
		}
	} else {
		emit(decoder, c);
	}
}

bool ebs_literal_decode(const struct ebs_literal *literal, struct ebs_buffer *out)
{
	struct decoder decoder = {
		.next = literal->text, .end = literal->end, .out = out, .straight = true
	};

	while (decoder.next < decoder.end) {
		if (is_newline(*decoder.next)) {
			decode_newline(&decoder);
			emit(&decoder, '\n');
		} else if (*decoder.next == '\\' && literal->quote != '[') {
			decoder.next++;
			decode_escape(&decoder);
		} else {
			emit(&decoder, *decoder.next++);
		}
	}
	return decoder.straight;
}
