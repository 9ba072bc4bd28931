// SPDX-License-Identifier: GPL-2.0-only
// Reads C text token by token.
#include "types/c_scanner.h"

#include <string.h>

static bool begins_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

size_t ebs_c_join_lines(char *text, size_t size)
{
	const char *from = text;
	const char *end = text + size;
	char *to = text;

	while (from < end) {
		const char *backslash = memchr(from, '\\', end - from);
		size_t length = (backslash ? backslash : end) - from;

		memmove(to, from, length);
		to += length;
		from += length;
		if (from == end)
			break;
		if (end - from >= 2 && from[1] == '\n') {
			from += 2;
		} else if (end - from >= 3 && from[1] == '\r' && from[2] == '\n') {
			from += 3;
		} else {
			*to++ = *from++;
		}
	}
	return to - text;
}

void ebs_c_skip_line(struct ebs_c_scanner *scanner)
{
	const char *newline = memchr(scanner->next, '\n', scanner->end - scanner->next);

	scanner->next = newline ? newline : scanner->end;
}

static void skip_comment(struct ebs_c_scanner *scanner)
{
	const char *close = memmem(scanner->next + 2, scanner->end - scanner->next - 2, "*/", 2);

	scanner->next = close ? close + 2 : scanner->end;
}

static bool at(const struct ebs_c_scanner *scanner, const char *two)
{
	return scanner->end - scanner->next >= 2 && memcmp(scanner->next, two, 2) == 0;
}

// Blanks and comments; newlines too with `lines`.
static void skip_space(struct ebs_c_scanner *scanner, bool lines)
{
	while (scanner->next < scanner->end) {
		if (is_blank(*scanner->next)) {
			scanner->next++;
		} else if (*scanner->next == '\n' && lines) {
			scanner->next++;
			scanner->in_line = false;
		} else if (at(scanner, "//")) {
			ebs_c_skip_line(scanner);
		} else if (at(scanner, "/*")) {
			skip_comment(scanner);
		} else {
			return;
		}
	}
}

// An apostrophe in an #error's text, or in what #if 0 leaves out, opens nothing: a literal ends
// with its line.
static void skip_literal(struct ebs_c_scanner *scanner)
{
	char quote = *scanner->next++;

	while (scanner->next < scanner->end && *scanner->next != '\n') {
		char c = *scanner->next++;

		if (c == quote)
			return;
		if (c == '\\' && scanner->next < scanner->end && *scanner->next != '\n')
			scanner->next++;
	}
}

// As the preprocessor sees numbers, so that a suffix is no name.
static void skip_number(struct ebs_c_scanner *scanner)
{
	while (scanner->next < scanner->end) {
		char c = *scanner->next;

		if (!begins_name(c) && !is_digit(c) && c != '.')
			return;
		scanner->next++;
		if (strchr("eEpP", c) && scanner->next < scanner->end &&
		    (*scanner->next == '+' || *scanner->next == '-'))
			scanner->next++;
	}
}

static struct ebs_c_token take_name(struct ebs_c_scanner *scanner, enum ebs_c_kind kind)
{
	const char *start = scanner->next;

	while (scanner->next < scanner->end &&
	       (begins_name(*scanner->next) || is_digit(*scanner->next)))
		scanner->next++;
	return (struct ebs_c_token){ kind, start, scanner->next - start };
}

static bool is_word(struct ebs_c_token token, const char *word)
{
	return token.length == strlen(word) && memcmp(token.text, word, token.length) == 0;
}

// Behind a # that begins a line. False when nothing of it is a token of its own kind: the rest of
// the line is read as all else is.
static bool take_directive(struct ebs_c_scanner *scanner, struct ebs_c_token *token)
{
	skip_space(scanner, false);
	struct ebs_c_token directive = take_name(scanner, EBS_C_NAME);
	skip_space(scanner, false);
	if (scanner->next == scanner->end)
		return false;

	if (is_word(directive, "define") && begins_name(*scanner->next)) {
		*token = take_name(scanner, EBS_C_DEFINE);
		return true;
	}
	bool quoted = *scanner->next == '"';
	if (!is_word(directive, "include") && !is_word(directive, "include_next") &&
	    !is_word(directive, "import"))
		return false;
	*token = (struct ebs_c_token){ EBS_C_INCLUDE, "", 0 };
	if (!quoted && *scanner->next != '<')
		return true; // a macro says which: the empty name

	const char *start = ++scanner->next;
	ebs_c_skip_line(scanner);
	const char *close = memchr(start, quoted ? '"' : '>', scanner->next - start);
	if (close)
		*token = (struct ebs_c_token){ EBS_C_INCLUDE, start, close - start, quoted };
	return true;
}

struct ebs_c_token ebs_c_next(struct ebs_c_scanner *scanner)
{
	struct ebs_c_token token;

	for (;;) {
		skip_space(scanner, true);
		if (scanner->next == scanner->end)
			return (struct ebs_c_token){ EBS_C_END, scanner->end, 0 };

		char c = *scanner->next;
		bool first = !scanner->in_line;
		scanner->in_line = true;
		if (begins_name(c))
			return take_name(scanner, EBS_C_NAME);
		if (c == '"' || c == '\'') {
			skip_literal(scanner);
		} else if (is_digit(c) || (c == '.' && scanner->end - scanner->next > 1 &&
					   is_digit(scanner->next[1]))) {
			skip_number(scanner);
		} else {
			scanner->next++;
			if (c != '#' || !first)
				return (struct ebs_c_token){ EBS_C_PUNCTUATION, scanner->next - 1,
							     1 };
			if (take_directive(scanner, &token))
				return token;
		}
	}
}
