// SPDX-License-Identifier: GPL-2.0-only
// Unit tests of host/output/columns.h: specs, and rows of them as text and as JSON.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "output/columns.h"

// What the tests write into; emptied before each.
static struct ebs_buffer out;

static int set_up(void **state)
{
	ebs_buffer_clear(&out);
	return 0;
}

static int free_out(void **state)
{
	ebs_buffer_free(&out);
	return 0;
}

static struct ebs_columns *new_columns(const char *spec, bool json)
{
	struct ebs_error error = { 0 };
	struct ebs_columns *columns = ebs_columns_new(spec, json, &error);

	assert_string_equal(ebs_error_text(&error), "");
	assert_non_null(columns);
	return columns;
}

// Consumes what was written.
static void assert_written(const char *expected)
{
	assert_false(out.failed);
	assert_string_equal(out.data ? out.data : "", expected);
	assert_int_equal(out.size, strlen(expected));
	ebs_buffer_clear(&out);
}

static void assert_refused(const char *spec, const char *reason)
{
	struct ebs_error error = { 0 };

	assert_null(ebs_columns_new(spec, false, &error));
	assert_string_equal(error.code, "EINVAL");
	if (!strstr(ebs_error_text(&error), reason))
		fail_msg("\"%s\" does not say: %s", ebs_error_text(&error), reason);
	ebs_error_clear(&error);
}

static void string(struct ebs_row *row, const char *text)
{
	ebs_row_string(row, text, strlen(text));
}

static void specs_that_are_no_specs(void **state)
{
	assert_refused("", "no columns");
	assert_refused(" \t\n", "no columns");
	assert_refused("pid :5", "\":5\" has no name");
	assert_refused("pid:", "\"pid:\": a width");
	assert_refused("pid:>", "\"pid:>\": a width");
	assert_refused("pid:0", "a width");
	assert_refused("pid:-5", "a width");
	assert_refused("pid:5x", "a width");
	assert_refused("pid:5>", "a width");
	assert_refused("pid:5:5", "a width");
	assert_refused("pid:1001", "from 1 to 1000");
	assert_refused("pid:18446744073709551617", "a width");
	assert_refused("pid ppid pid:7", "\"pid\" is named twice");
	assert_refused("pid|", "no formatter behind the |");
	assert_refused("|ip", "has no name");
	assert_refused("pid:|ip", "a width");
	assert_refused("pid:7|ip pid", "named twice");
	assert_refused("pid\x1b[1m:7", "not printable");
	assert_refused("ok p\xff", "not printable");
	assert_null(ebs_columns_new("", false, NULL));
	ebs_columns_free(NULL);
}

static void blanks_between_columns_may_be_many(void **state)
{
	struct ebs_columns *columns = new_columns("\n  uid:6\t pid:>1000\r\n\n args ", false);

	assert_int_equal(ebs_columns_count(columns), 3);
	ebs_columns_free(columns);
}

static void titles_are_aligned_like_values(void **state)
{
	struct ebs_columns *columns = new_columns("uid:6 ret:>5 pcomm args:20", false);

	ebs_columns_header(columns, &out);
	assert_written("UID      RET PCOMM ARGS\n");
	ebs_columns_header(columns, &out);
	ebs_columns_header(columns, &out);
	assert_written("UID      RET PCOMM ARGS\nUID      RET PCOMM ARGS\n");
	ebs_columns_free(columns);
}

static void json_has_no_titles(void **state)
{
	struct ebs_columns *columns = new_columns("uid:6 args", true);

	ebs_columns_header(columns, &out);
	assert_written("");
	ebs_columns_free(columns);
}

static void columns_are_as_wide_as_their_titles(void **state)
{
	struct ebs_columns *columns = new_columns("seconds:>3 größe:2 x", false);
	struct ebs_row row;

	ebs_columns_header(columns, &out);
	assert_written("SECONDS GRößE X\n");
	ebs_row_begin(&row, columns, &out);
	ebs_row_integer(&row, 12);
	ebs_row_integer(&row, 3);
	ebs_row_integer(&row, 4);
	ebs_row_end(&row);
	assert_written("     12 3     4\n");
	ebs_columns_free(columns);
}

static void write_row(struct ebs_columns *columns)
{
	struct ebs_row row;

	ebs_row_begin(&row, columns, &out);
	ebs_row_integer(&row, 1000);
	string(&row, "cat");
	ebs_row_integer(&row, -2);
	ebs_row_boolean(&row, true);
	string(&row, "/bin/cat \"a\"");
	ebs_row_end(&row);
}

static void a_row_as_text_and_as_json(void **state)
{
	struct ebs_columns *text = new_columns("uid:6 pcomm:8 ret:>4 tty:6 args", false);
	struct ebs_columns *json = new_columns("uid:6 pcomm:8 ret:>4 tty:6 args", true);

	write_row(text);
	assert_written("1000   cat        -2 true   /bin/cat \"a\"\n");
	write_row(text);
	write_row(text);
	assert_written("1000   cat        -2 true   /bin/cat \"a\"\n"
		       "1000   cat        -2 true   /bin/cat \"a\"\n");
	write_row(json);
	assert_written("{\"uid\":1000,\"pcomm\":\"cat\",\"ret\":-2,\"tty\":true,"
		       "\"args\":\"/bin/cat \\\"a\\\"\"}\n");
	ebs_columns_free(text);
	ebs_columns_free(json);
}

static void one_column(void **state)
{
	struct ebs_columns *text = new_columns("n:>5", false);
	struct ebs_columns *json = new_columns("n:>5", true);
	struct ebs_row row;

	ebs_columns_header(text, &out);
	ebs_row_begin(&row, text, &out);
	ebs_row_integer(&row, 7);
	ebs_row_end(&row);
	assert_written("    N\n    7\n");
	ebs_row_begin(&row, json, &out);
	ebs_row_boolean(&row, false);
	ebs_row_end(&row);
	assert_written("{\"n\":false}\n");
	ebs_columns_free(text);
	ebs_columns_free(json);
}

static void wide_values_push_the_rest(void **state)
{
	struct ebs_columns *columns = new_columns("left:4 right:>5 last:4", false);
	struct ebs_row row;

	ebs_row_begin(&row, columns, &out);
	string(&row, "abcdefg");
	ebs_row_integer(&row, 1234567);
	string(&row, "abcdefg");
	ebs_row_end(&row);
	assert_written("abcdefg 1234567 abcdefg\n");

	ebs_row_begin(&row, columns, &out); // exactly as wide as their columns
	string(&row, "abcd");
	ebs_row_integer(&row, 12345);
	string(&row, "abcd");
	ebs_row_end(&row);
	assert_written("abcd 12345 abcd\n");
	ebs_columns_free(columns);
}

static void widths_count_characters(void **state)
{
	struct ebs_columns *columns = new_columns("a:5 b:>5 c", false);
	struct ebs_row row;

	ebs_row_begin(&row, columns, &out);
	string(&row, "äöü");
	string(&row, "€\xf0\x9f\x98\x80");
	string(&row, "|");
	ebs_row_end(&row);
	assert_written("äöü      €\xf0\x9f\x98\x80 |\n");

	ebs_row_begin(&row, columns, &out); // an escape counts as what is seen of it
	string(&row, "\n");
	string(&row, "\xff");
	string(&row, "|");
	ebs_row_end(&row);
	assert_written("\\n     \\xFF |\n");
	ebs_columns_free(columns);
}

static void wide_columns_are_padded_whole(void **state)
{
	struct ebs_columns *columns = new_columns("a:100 b:>70", false);
	struct ebs_row row;
	char expected[256];

	ebs_row_begin(&row, columns, &out);
	string(&row, "x");
	string(&row, "y");
	ebs_row_end(&row);
	snprintf(expected, sizeof(expected), "%-100s %70s\n", "x", "y");
	assert_written(expected);
	ebs_columns_free(columns);
}

static void no_row_ends_in_padding(void **state)
{
	struct ebs_columns *columns = new_columns("a:4 b:>4 c:4", false);
	struct ebs_row row;

	ebs_row_begin(&row, columns, &out);
	ebs_row_integer(&row, 1);
	ebs_row_end(&row);
	assert_written("1\n");

	ebs_row_begin(&row, columns, &out);
	ebs_row_null(&row);
	ebs_row_null(&row);
	ebs_row_integer(&row, 3);
	ebs_row_end(&row);
	assert_written("          3\n");

	ebs_row_begin(&row, columns, &out); // a value's own blanks stay
	string(&row, "x ");
	ebs_row_end(&row);
	assert_written("x \n");

	ebs_row_begin(&row, columns, &out);
	ebs_row_end(&row);
	assert_written("\n");
	ebs_columns_free(columns);
}

static void missing_values_are_null_in_json(void **state)
{
	struct ebs_columns *columns = new_columns("a b c", true);
	struct ebs_row row;

	ebs_row_begin(&row, columns, &out);
	ebs_row_null(&row);
	ebs_row_integer(&row, 2);
	ebs_row_end(&row);
	assert_written("{\"a\":null,\"b\":2,\"c\":null}\n");
	ebs_columns_free(columns);
}

static void values_too_many_are_ignored(void **state)
{
	for (int json = 0; json < 2; json++) {
		struct ebs_columns *columns = new_columns("a", json);
		struct ebs_row row;

		ebs_row_begin(&row, columns, &out);
		ebs_row_integer(&row, 1);
		ebs_row_integer(&row, 2);
		ebs_row_number(&row, 2.5);
		ebs_row_number(&row, NAN);
		ebs_row_boolean(&row, true);
		string(&row, "x");
		ebs_row_null(&row);
		ebs_row_list_begin(&row);
		ebs_row_integer(&row, 3);
		string(&row, "y");
		ebs_row_list_end(&row);
		ebs_row_end(&row);
		assert_written(json ? "{\"a\":1}\n" : "1\n");
		ebs_columns_free(columns);
	}
}

static void write_lists(struct ebs_columns *columns)
{
	struct ebs_row row;

	ebs_row_begin(&row, columns, &out);
	ebs_row_list_begin(&row);
	string(&row, "cat");
	string(&row, "");
	string(&row, "a\nb");
	ebs_row_list_end(&row);
	ebs_row_list_begin(&row);
	ebs_row_list_end(&row);
	ebs_row_list_begin(&row);
	ebs_row_integer(&row, 1);
	ebs_row_number(&row, 2.5);
	ebs_row_boolean(&row, false);
	ebs_row_null(&row);
	ebs_row_list_end(&row);
	ebs_row_integer(&row, 9);
	ebs_row_end(&row);
}

static void lists(void **state)
{
	struct ebs_columns *text = new_columns("argv:11 none:5 some:>15 n", false);
	struct ebs_columns *json = new_columns("argv:11 none:5 some:>15 n", true);

	write_lists(text);
	assert_written("cat  a\\nb            1 2.5 false  9\n");
	write_lists(json);
	assert_written("{\"argv\":[\"cat\",\"\",\"a\\nb\"],\"none\":[],"
		       "\"some\":[1,2.5,false,null],\"n\":9}\n");
	ebs_columns_free(text);
	ebs_columns_free(json);
}

static void an_open_list_is_closed_by_the_end(void **state)
{
	struct ebs_columns *columns = new_columns("a b", true);
	struct ebs_row row;

	ebs_row_begin(&row, columns, &out);
	ebs_row_list_begin(&row);
	ebs_row_integer(&row, 1);
	ebs_row_end(&row);
	assert_written("{\"a\":[1],\"b\":null}\n");
	ebs_columns_free(columns);
}

static void formatters(void **state)
{
	static const char spec[] = "ret:>8|errno port:6|port bytes:9|hex sig|signal own|mine n";
	struct ebs_columns *text = new_columns(spec, false);
	struct ebs_columns *json = new_columns(spec, true);

	assert_string_equal(ebs_columns_format(text, 0), "errno");
	assert_string_equal(ebs_columns_format(text, 4), "mine");
	assert_null(ebs_columns_format(text, 5));
	assert_non_null(ebs_columns_formatter(text, 0));
	assert_null(ebs_columns_formatter(text, 4));
	for (int i = 0; i < 2; i++) {
		struct ebs_row row;

		ebs_row_begin(&row, i ? json : text, &out);
		ebs_row_integer(&row, -13);
		ebs_row_unsigned(&row, 0x5000);
		ebs_row_string(&row, "\xff\1", 2);
		ebs_row_number(&row, 9);
		ebs_row_integer(&row, 5);
		ebs_row_text(&row, "6", 1);
		ebs_row_end(&row);
	}
	assert_written("  EACCES 80     ff01      SIGKILL 5   6\n"
		       "{\"ret\":-13,\"port\":80,\"bytes\":\"ff01\",\"sig\":9,\"own\":5,"
		       "\"n\":\"6\"}\n");
	ebs_columns_free(text);
	ebs_columns_free(json);
}

static void a_value_that_is_not_the_formatters_stays(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct ebs_columns *columns = new_columns("a|ip b|mac c|time d|enum", i);
		struct ebs_row row;

		ebs_row_begin(&row, columns, &out);
		string(&row, "abc");
		ebs_row_integer(&row, 7);
		string(&row, "noon\n");
		ebs_row_integer(&row, 9);
		ebs_row_end(&row);
		assert_written(i ? "{\"a\":\"abc\",\"b\":7,\"c\":\"noon\\n\",\"d\":9}\n"
				 : "abc 7 noon\\n 9\n");
		ebs_columns_free(columns);
	}
}

static void unsigned_integers(void **state)
{
	static const uint64_t values[] = { 0,         9,         10,
					   99,        100,       12345678,
					   99999999,  100000000, 1234567890123456789,
					   INT64_MAX, UINT64_MAX };
	struct ebs_columns *columns = new_columns("n", true);

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct ebs_row row;
		char expected[64];

		snprintf(expected, sizeof(expected), "{\"n\":%llu}\n",
			 (unsigned long long)values[i]);
		ebs_row_begin(&row, columns, &out);
		ebs_row_unsigned(&row, values[i]);
		ebs_row_end(&row);
		assert_written(expected);
	}
	ebs_columns_free(columns);
}

static void records_and_lists_nest(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct ebs_columns *columns = new_columns("a:24 b", i);
		struct ebs_row row;

		ebs_row_begin(&row, columns, &out);
		ebs_row_record_begin(&row);
		ebs_row_key(&row, "x\n", 2);
		ebs_row_integer(&row, 1);
		ebs_row_key(&row, "y", 1);
		ebs_row_list_begin(&row);
		ebs_row_integer(&row, 2);
		ebs_row_record_begin(&row);
		ebs_row_record_end(&row);
		ebs_row_list_end(&row);
		ebs_row_record_end(&row);
		ebs_row_list_begin(&row);
		ebs_row_list_begin(&row);
		ebs_row_integer(&row, 3);
		ebs_row_end(&row); // closes what is open
		assert_written(i ? "{\"a\":{\"x\\n\":1,\"y\":[2,{}]},\"b\":[[3]]}\n"
				 : "{x\\n=1 y=[2 {}]}         [3]\n");
		ebs_columns_free(columns);
	}
}

static void nesting_has_an_end(void **state)
{
	struct ebs_columns *columns = new_columns("a b", true);
	struct ebs_row row;
	char expected[256] = "{\"a\":";

	ebs_row_begin(&row, columns, &out);
	for (int i = 0; i < 100; i++)
		ebs_row_list_begin(&row);
	ebs_row_integer(&row, 1);
	for (int i = 0; i < 100; i++)
		ebs_row_list_end(&row);
	ebs_row_integer(&row, 2);
	ebs_row_end(&row);
	memset(expected + strlen(expected), '[', 64);
	strcat(expected, "null");
	memset(expected + strlen(expected), ']', 64);
	strcat(expected, ",\"b\":2}\n");
	assert_written(expected);
	ebs_columns_free(columns);
}

#define U_FFFD "\xef\xbf\xbd"

static void escapes_reach_the_rows(void **state)
{
	struct ebs_columns *text = new_columns("a", false);
	struct ebs_columns *json = new_columns("a", true);
	struct ebs_row row;

	ebs_row_begin(&row, text, &out);
	string(&row, "\x1b\"\xff");
	ebs_row_end(&row);
	assert_written("\\x1B\"\\xFF\n");
	ebs_row_begin(&row, json, &out);
	string(&row, "\x1b\"\xff");
	ebs_row_end(&row);
	assert_written("{\"a\":\"\\u001B\\\"" U_FFFD "\"}\n");
	ebs_columns_free(text);
	ebs_columns_free(json);
}

static void names_are_escaped_in_keys(void **state)
{
	struct ebs_columns *columns = new_columns("a\"b c\\d", true);
	struct ebs_row row;

	ebs_row_begin(&row, columns, &out);
	ebs_row_integer(&row, 1);
	ebs_row_integer(&row, 2);
	ebs_row_end(&row);
	assert_written("{\"a\\\"b\":1,\"c\\\\d\":2}\n");
	ebs_columns_free(columns);
}

static void a_failed_buffer_is_left_alone(void **state)
{
	for (int json = 0; json < 2; json++) {
		struct ebs_columns *columns = new_columns("uid:6 pcomm:8 ret:>4 tty:6 args", json);
		struct ebs_buffer failed = { .failed = true };
		struct ebs_buffer saved = out;

		out = failed;
		ebs_columns_header(columns, &out);
		write_row(columns);
		failed = out;
		out = saved;
		assert_null(failed.data);
		assert_int_equal(failed.size, 0);
		assert_true(failed.failed);
		ebs_columns_free(columns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(specs_that_are_no_specs, set_up),
		cmocka_unit_test_setup(blanks_between_columns_may_be_many, set_up),
		cmocka_unit_test_setup(titles_are_aligned_like_values, set_up),
		cmocka_unit_test_setup(json_has_no_titles, set_up),
		cmocka_unit_test_setup(columns_are_as_wide_as_their_titles, set_up),
		cmocka_unit_test_setup(a_row_as_text_and_as_json, set_up),
		cmocka_unit_test_setup(one_column, set_up),
		cmocka_unit_test_setup(wide_values_push_the_rest, set_up),
		cmocka_unit_test_setup(widths_count_characters, set_up),
		cmocka_unit_test_setup(wide_columns_are_padded_whole, set_up),
		cmocka_unit_test_setup(no_row_ends_in_padding, set_up),
		cmocka_unit_test_setup(missing_values_are_null_in_json, set_up),
		cmocka_unit_test_setup(values_too_many_are_ignored, set_up),
		cmocka_unit_test_setup(lists, set_up),
		cmocka_unit_test_setup(an_open_list_is_closed_by_the_end, set_up),
		cmocka_unit_test_setup(formatters, set_up),
		cmocka_unit_test_setup(a_value_that_is_not_the_formatters_stays, set_up),
		cmocka_unit_test_setup(unsigned_integers, set_up),
		cmocka_unit_test_setup(records_and_lists_nest, set_up),
		cmocka_unit_test_setup(nesting_has_an_end, set_up),
		cmocka_unit_test_setup(escapes_reach_the_rows, set_up),
		cmocka_unit_test_setup(names_are_escaped_in_keys, set_up),
		cmocka_unit_test_setup(a_failed_buffer_is_left_alone, set_up),
	};

	return cmocka_run_group_tests_name("columns", tests, NULL, free_out);
}
