// SPDX-License-Identifier: GPL-2.0-only
// What stands at a place in a line of C, found by its brackets and words.
#include "types/c_expression.h"

#include <string.h>

#define LONGEST 48 // bytes of what is worth being repeated in a sentence

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static const char *skip_blanks(const char *c)
{
	return c + strspn(c, " \t");
}

static const char *skip_blanks_back(const char *start, const char *c)
{
	while (c > start && (c[-1] == ' ' || c[-1] == '\t'))
		c--;
	return c;
}

// The bracket that closes the one at `c`; NULL when the line has none.
static const char *closing(const char *c)
{
	int depth = 0;

	for (; *c; c++) {
		if (strchr("([{", *c))
			depth++;
		else if (strchr(")]}", *c) && --depth == 0)
			return c;
	}
	return NULL;
}

static const char *opening(const char *start, const char *c)
{
	int depth = 0;

	for (; c >= start; c--) {
		if (strchr(")]}", *c))
			depth++;
		else if (strchr("([{", *c) && --depth == 0)
			return c;
	}
	return NULL;
}

// Macros are written in capitals, and what they stand for isn't seen here.
static bool is_macro(const char *start, const char *end)
{
	for (; start < end; start++)
		if (!(*start >= 'A' && *start <= 'Z') && !(*start >= '0' && *start <= '9') &&
		    *start != '_')
			return false;
	return true;
}

// Whether the part can be named in a sentence: no word of the language, no number.
static bool make_part(const char *start, const char *end, struct ebs_c_part *part)
{
	static const char *const words[] = { "if",   "for",  "while", "do",     "return",
					     "else", "case", "goto",  "switch", "sizeof" };

	if (end <= start || end - start > LONGEST || (*start >= '0' && *start <= '9') ||
	    is_macro(start, end))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if ((size_t)(end - start) == strlen(words[i]) &&
		    !strncmp(start, words[i], end - start))
			return false;
	*part = (struct ebs_c_part){ start, end - start };
	return true;
}

// Where the operand begins that ends in front of `end`: a.b->c[d], f(x), (x).
static const char *operand_start(const char *line, const char *end)
{
	const char *c = end;

	for (;;) {
		while (c > line && c[-1] == ']') {
			c = opening(line, c - 1);
			if (!c)
				return end;
		}
		if (c > line && c[-1] == ')') {
			c = opening(line, c - 1);
			if (!c)
				return end;
		} else if (c == line || !is_word(c[-1])) {
			return end;
		}
		while (c > line && is_word(c[-1]))
			c--;
		if (c - line > 2 && c[-1] == '>' && c[-2] == '-')
			c -= 2;
		else if (c - line > 1 && c[-1] == '.')
			c -= 1;
		else
			return c;
	}
}

// What stands behind a word that belongs to the same place in memory: .b[c].d
static const char *skip_members(const char *c)
{
	for (;;) {
		if (*c == '[') {
			const char *close = closing(c);
			if (!close)
				return c;
			c = close + 1;
		} else if (*c == '.' && is_word(c[1])) {
			for (c++; is_word(*c); c++)
				;
		} else {
			return c;
		}
	}
}

// Behind *: what is pointed to, the pointer's cast included.
static const char *skip_pointer(const char *c)
{
	while (*c == '(' || *c == '*' || *c == ' ') {
		const char *close = *c == '(' ? closing(c) : c;
		if (!close)
			return c;
		c = close + 1;
		if (*close == ')' && !is_word(*c) && *c != '(')
			return c;
	}
	while (is_word(*c))
		c++;
	c = skip_members(c);
	while (c[0] == '-' && c[1] == '>' && is_word(c[2])) {
		for (c += 2; is_word(*c); c++)
			;
		c = skip_members(c);
	}
	return c;
}

// A * with no operand in front of it reads through a pointer.
static bool is_dereference(const char *line, const char *c)
{
	const char *before = skip_blanks_back(line, c);
	struct ebs_c_part part;

	if (*c != '*')
		return false;
	if (before == line || strchr("=(,;!&|<>+-*?:{", before[-1]))
		return true;
	// Behind a word of the language, as in `return *x`.
	const char *start = operand_start(line, before);
	return is_word(before[-1]) && !make_part(start, before, &part);
}

static const char *at_column(const char *line, uint32_t column)
{
	return column && column <= strlen(line) ? line + column - 1 : NULL;
}

bool ebs_c_operand_at(const char *line, uint32_t column, struct ebs_c_part *operand)
{
	const char *c = at_column(line, column);
	const char *end;

	if (!c)
		return false;
	if (is_dereference(line, c))
		return make_part(c, skip_pointer(c + 1), operand);
	if (!is_word(*c)) {
		end = skip_blanks_back(line, c);
		return make_part(operand_start(line, end), end, operand);
	}
	for (end = c; is_word(*end); end++)
		;
	end = skip_members(end);
	const char *start = operand_start(line, c + 1);
	if (start == c && end[0] == '-' && end[1] == '>') {
		for (end += 2; is_word(*end); end++)
			;
		end = skip_members(end);
	}
	if (*end == '(')
		return false;
	return make_part(start, end, operand);
}

struct ebs_c_part ebs_c_pointer_of(struct ebs_c_part operand)
{
	const char *start = operand.start;
	const char *end = start + operand.length;
	const char *last = NULL;
	int depth = 0;

	if (*start == '*') {
		start++;
		if (*start == '(') {
			const char *close = closing(start);
			if (close && close + 1 < end && is_word(close[1]))
				start = close + 1;
		}
		return (struct ebs_c_part){ start, end - start };
	}
	for (const char *c = start; c + 1 < end; c++) {
		if (strchr("([", *c))
			depth++;
		else if (strchr(")]", *c))
			depth--;
		else if (!depth && c[0] == '-' && c[1] == '>')
			last = c;
	}
	if (!last && end[-1] == ']')
		last = opening(start, end - 1);
	if (last && last > start)
		end = last;
	return (struct ebs_c_part){ start, end - start };
}

bool ebs_c_call_at(const char *line, uint32_t column, struct ebs_c_part *name)
{
	const char *c = at_column(line, column);
	const char *end = c;

	while (end && is_word(*end))
		end++;
	return c && *skip_blanks(end) == '(' && make_part(c, end, name);
}

bool ebs_c_argument_text(const char *line, uint32_t column, unsigned int number,
			 struct ebs_c_part *argument)
{
	struct ebs_c_part name;
	unsigned int count = 1;

	if (!ebs_c_call_at(line, column, &name))
		return false;
	const char *open = skip_blanks(name.start + name.length);
	const char *close = closing(open);
	const char *start = open + 1;
	if (!close)
		return false;
	for (const char *c = start; c <= close; c++) {
		if (c < close && strchr("([{", *c)) {
			c = closing(c);
			if (!c)
				return false;
		} else if (c == close || *c == ',') {
			if (count++ == number) {
				start = skip_blanks(start);
				argument->start = start;
				argument->length = skip_blanks_back(start, c) - start;
				return argument->length > 0;
			}
			start = c + 1;
		}
	}
	return false;
}

bool ebs_c_argument_at(const char *line, uint32_t column, unsigned int number,
		       struct ebs_c_part *argument)
{
	struct ebs_c_part text;

	return ebs_c_argument_text(line, column, number, &text) &&
	       make_part(text.start, text.start + text.length, argument);
}

bool ebs_c_assigned_at(const char *line, uint32_t column, struct ebs_c_part *variable)
{
	const char *c = at_column(line, column);

	if (!c)
		return false;
	c = skip_blanks_back(line, c);
	while (c > line && c[-1] == ')') { // a cast
		const char *open = opening(line, c - 1);
		if (!open)
			return false;
		c = skip_blanks_back(line, open);
	}
	if (c - line < 2 || c[-1] != '=' || strchr("=!<>+-*/|&^%", c[-2]))
		return false;
	c = skip_blanks_back(line, c - 1);
	return make_part(operand_start(line, c), c, variable);
}
