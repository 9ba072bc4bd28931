// SPDX-License-Identifier: GPL-2.0-only
// Unit tests of host/output/escape.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "output/escape.h"

static void assert_escaped(const char *data, size_t size, const char *text, const char *json)
{
	struct ebs_buffer out = { 0 };

	ebs_buffer_append_string(&out, "<");
	ebs_escape_text(&out, data, size);
	assert_string_equal(out.data + 1, text);
	assert_int_equal(out.size, 1 + strlen(text));
	ebs_buffer_clear(&out);
	ebs_buffer_append_string(&out, "<");
	ebs_escape_json(&out, data, size);
	assert_string_equal(out.data + 1, json);
	assert_int_equal(out.size, 1 + strlen(json));
	ebs_buffer_free(&out);
}

#define ASSERT_ESCAPED(literal, text, json) assert_escaped(literal, sizeof(literal) - 1, text, json)

#define U_FFFD "\xef\xbf\xbd"

static void control_characters(void **state)
{
	ASSERT_ESCAPED("", "", "");
	ASSERT_ESCAPED("plain ~", "plain ~", "plain ~");
	ASSERT_ESCAPED("a\nb\rc\td", "a\\nb\\rc\\td", "a\\nb\\rc\\td");
	ASSERT_ESCAPED("\x1b[2J", "\\x1B[2J", "\\u001B[2J");
	ASSERT_ESCAPED("a\0b", "a\\x00b", "a\\u0000b");
	ASSERT_ESCAPED("\b\f\x1f\x7f", "\\x08\\x0C\\x1F\\x7F", "\\b\\f\\u001F\\u007F");
	ASSERT_ESCAPED("\"\\/'", "\"\\/'", "\\\"\\\\/'");
	ASSERT_ESCAPED("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\u{0080}\\u{009B}\\u{009F}\xc2\xa0",
		       "\\u0080\\u009B\\u009F\xc2\xa0");
}

static void direction_of_writing(void **state)
{
	ASSERT_ESCAPED("\u2029\u202a\u202e\u202f", "\u2029\\u{202A}\\u{202E}\u202f",
		       "\u2029\\u202A\\u202E\u202f");
	ASSERT_ESCAPED("\u2065\u2066\u2069\u206a", "\u2065\\u{2066}\\u{2069}\u206a",
		       "\u2065\\u2066\\u2069\u206a");
}

static void bytes_that_are_utf8(void **state)
{
	ASSERT_ESCAPED("\xdf\xbf", "\xdf\xbf", "\xdf\xbf");
	ASSERT_ESCAPED("\xe0\xa0\x80\xed\x9f\xbf", "\xe0\xa0\x80\xed\x9f\xbf",
		       "\xe0\xa0\x80\xed\x9f\xbf");
	ASSERT_ESCAPED("\xee\x80\x80\xef\xbf\xbf", "\xee\x80\x80\xef\xbf\xbf",
		       "\xee\x80\x80\xef\xbf\xbf");
	ASSERT_ESCAPED("\xf0\x90\x80\x80", "\xf0\x90\x80\x80", "\xf0\x90\x80\x80");
	ASSERT_ESCAPED("\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf");
}

static void bytes_that_are_no_utf8(void **state)
{
	ASSERT_ESCAPED("a\xff", "a\\xFF", "a" U_FFFD);
	ASSERT_ESCAPED("\x80\xbf", "\\x80\\xBF", U_FFFD U_FFFD);
	// Overlong forms.
	ASSERT_ESCAPED("\xc0\xaf", "\\xC0\\xAF", U_FFFD U_FFFD);
	ASSERT_ESCAPED("\xc1\xbf", "\\xC1\\xBF", U_FFFD U_FFFD);
	ASSERT_ESCAPED("\xe0\x9f\xbf", "\\xE0\\x9F\\xBF", U_FFFD U_FFFD U_FFFD);
	ASSERT_ESCAPED("\xf0\x8f\xbf\xbf", "\\xF0\\x8F\\xBF\\xBF", U_FFFD U_FFFD U_FFFD U_FFFD);
	// Surrogates, and what lies above U+10FFFF.
	ASSERT_ESCAPED("\xed\xa0\x80", "\\xED\\xA0\\x80", U_FFFD U_FFFD U_FFFD);
	ASSERT_ESCAPED("\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80", U_FFFD U_FFFD U_FFFD U_FFFD);
	ASSERT_ESCAPED("\xf5\x80", "\\xF5\\x80", U_FFFD U_FFFD);
	// Characters cut short, at the end and before another: one U+FFFD each.
	ASSERT_ESCAPED("\xe2\x82", "\\xE2\\x82", U_FFFD);
	ASSERT_ESCAPED("\xf0\x9f\x98", "\\xF0\\x9F\\x98", U_FFFD);
	ASSERT_ESCAPED("\xe2\x82x", "\\xE2\\x82x", U_FFFD "x");
	ASSERT_ESCAPED("\xe2\xc3\xa4", "\\xE2\xc3\xa4", U_FFFD "\xc3\xa4");
	ASSERT_ESCAPED("\xe2\x82\n", "\\xE2\\x82\\n", U_FFFD "\\n");
}

// Each copy ends where its memory does, so that a sanitizer sees a byte that is read behind it.
static void characters_cut_by_the_end_of_memory(void **state)
{
	static const char text[] = "\xf4\x8f\xbf\xbf";

	for (size_t size = 1; size < sizeof(text) - 1; size++) {
		char *copy = malloc(size);
		struct ebs_buffer out = { 0 };

		assert_non_null(copy);
		memcpy(copy, text, size);
		ebs_escape_json(&out, copy, size);
		assert_string_equal(out.data, U_FFFD);
		ebs_buffer_free(&out);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters),
		cmocka_unit_test(direction_of_writing),
		cmocka_unit_test(bytes_that_are_utf8),
		cmocka_unit_test(bytes_that_are_no_utf8),
		cmocka_unit_test(characters_cut_by_the_end_of_memory),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
