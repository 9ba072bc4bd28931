// SPDX-License-Identifier: GPL-2.0-only
// Unit tests of integers and numbers in rows.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/columns.h"

static void write_integer(struct ebs_row *row, const void *value)
{
	ebs_row_integer(row, *(const int64_t *)value);
}

static void write_number(struct ebs_row *row, const void *value)
{
	ebs_row_number(row, *(const double *)value);
}

// A row of one value, without its newline and JSON's braces; the caller frees it.
static char *written(void (*write)(struct ebs_row *, const void *), const void *value, bool json)
{
	struct ebs_error error = { 0 };
	struct ebs_columns *columns = ebs_columns_new("n", json, &error);
	struct ebs_buffer out = { 0 };
	struct ebs_row row;

	assert_non_null(columns);
	ebs_row_begin(&row, columns, &out);
	write(&row, value);
	ebs_row_end(&row);
	ebs_columns_free(columns);

	size_t before = json ? strlen("{\"n\":") : 0;
	size_t behind = json ? strlen("}\n") : strlen("\n");
	assert_true(out.size > before + behind);
	assert_memory_equal(out.data, "{\"n\":", before);
	assert_string_equal(out.data + out.size - behind, json ? "}\n" : "\n");
	char *text = strndup(out.data + before, out.size - before - behind);
	ebs_buffer_free(&out);
	return text;
}

static void assert_integer(int64_t value, const char *expected)
{
	for (int json = 0; json < 2; json++) {
		char *text = written(write_integer, &value, json);

		assert_string_equal(text, expected);
		free(text);
	}
}

static void integers_are_exact(void **state)
{
	assert_integer(0, "0");
	assert_integer(9, "9");
	assert_integer(10, "10");
	assert_integer(-1, "-1");
	assert_integer(9007199254740993, "9007199254740993");
	assert_integer(INT64_MAX, "9223372036854775807");
	assert_integer(INT64_MIN, "-9223372036854775808");
}

static void every_count_of_digits(void **state)
{
	int64_t power = 1;
	char text[32];

	for (int digits = 1; digits <= 19; digits++) {
		for (int64_t value = power - 1; value <= power + 1; value++) {
			snprintf(text, sizeof(text), "%" PRId64, value);
			assert_integer(value, text);
			snprintf(text, sizeof(text), "%" PRId64, -value);
			assert_integer(-value, text);
		}
		if (digits < 19)
			power *= 10;
	}
}

static void assert_number(double value, const char *expected_text, const char *expected_json)
{
	char *text = written(write_number, &value, false);
	char *json = written(write_number, &value, true);

	assert_string_equal(text, expected_text);
	assert_string_equal(json, expected_json);
	free(text);
	free(json);
}

static void numbers(void **state)
{
	assert_number(0.0, "0", "0");
	assert_number(3.0, "3", "3");
	assert_number(-2.5, "-2.5", "-2.5");
	assert_number(0.1, "0.1", "0.1");
	assert_number(0.1 + 0.2, "0.3", "0.30000000000000004");
	assert_number(2.0 / 3, "0.66666666666667", "0.6666666666666666");
	assert_number(99999999999999.0, "99999999999999", "99999999999999");
	assert_number(1e14, "1e+14", "100000000000000");
	assert_number(1e300, "1e+300", "1e+300");
	assert_number(5e-324, "4.9406564584125e-324", "4.94065645841247e-324");
	assert_number(9007199254740993.0, "9.007199254741e+15", "9007199254740992");
	assert_number(NAN, "nan", "null");
	assert_number(-NAN, "nan", "null");
	assert_number(INFINITY, "inf", "null");
	assert_number(-INFINITY, "-inf", "null");
}

static void json_numbers_read_back_equal(void **state)
{
	static const double values[] = { DBL_MAX, -DBL_MAX, DBL_MIN, DBL_TRUE_MIN, DBL_EPSILON,
					 M_PI,    1e-5,     1e15,    1e17,         1e22,
					 1e23,    5e-324,   1.1,     123456.789e3, 0x1p63,
					 -0x1p63, 0x1p64,   4.35,    1 / 3.0,      1e14 + 0.5 };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char *text = written(write_number, &values[i], true);
		char *end;

		assert_true(strtod(text, &end) == values[i]);
		assert_string_equal(end, "");
		free(text);
	}
}

static void write_file(const char *folder, const char *name, const char *content)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

// The locale is made here: a machine that has one with a decimal comma can't be counted on.
static void numbers_have_points_in_any_locale(void **state)
{
	char folder[] = "/tmp/number_test.XXXXXX";
	char command[256];

	assert_non_null(mkdtemp(folder));
	write_file(folder, "characters",
		   "<code_set_name> X\n<mb_cur_min> 1\n<mb_cur_max> 1\n"
		   "CHARMAP\n<U002C> /x2c COMMA\nEND CHARMAP\n");
	write_file(folder, "source",
		   "LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \"\"\n"
		   "grouping -1\nEND LC_NUMERIC\n");
	// localedef ends with 1: it warns of the categories that are not there.
	snprintf(command, sizeof(command),
		 "cd %s && localedef -c --no-archive -i source -f ./characters ./comma 2>&1",
		 folder);
	FILE *localedef = popen(command, "r");
	assert_non_null(localedef);
	while (fgetc(localedef) != EOF)
		;
	pclose(localedef);
	setenv("LOCPATH", folder, 1);
	char *name = setlocale(LC_NUMERIC, "comma");
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);

	assert_non_null(name);
	assert_number(2.5, "2.5", "2.5");
	assert_number(0.1 + 0.2, "0.3", "0.30000000000000004");
	assert_string_equal(localeconv()->decimal_point, ","); // the script's choice is left to it
	setlocale(LC_NUMERIC, "C");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_exact),
		cmocka_unit_test(every_count_of_digits),
		cmocka_unit_test(numbers),
		cmocka_unit_test(json_numbers_read_back_equal),
		cmocka_unit_test(numbers_have_points_in_any_locale),
	};

	return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
