// SPDX-License-Identifier: GPL-2.0-only
// Unit tests of host/base/error.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/error.h"

static void starts_unset(void **state)
{
	struct ebs_error error = { 0 };

	assert_false(ebs_error_is_set(&error));
	assert_string_equal(ebs_error_text(&error), "");
	ebs_error_clear(&error);
}

static void a_code_of_ours(void **state)
{
	struct ebs_error error = { 0 };

	assert_int_equal(ebs_error_set(&error, "COMPILE", "%s:%d: no", "a.lua", 3), -EINVAL);
	assert_true(ebs_error_is_set(&error));
	assert_string_equal(error.code, "COMPILE");
	assert_string_equal(ebs_error_text(&error), "a.lua:3: no");
	ebs_error_clear(&error);
}

static void an_errno_of_either_sign(void **state)
{
	static const int numbers[] = { EPERM, -EPERM };

	for (int i = 0; i < 2; i++) {
		struct ebs_error error = { 0 };

		assert_int_equal(ebs_error_errno(&error, numbers[i], "attach %s", "eth0"), -EPERM);
		assert_string_equal(error.code, "EPERM");
		assert_string_equal(ebs_error_text(&error), "attach eth0: Operation not permitted");
		ebs_error_clear(&error);
	}
}

static void an_errno_in_other_words(void **state)
{
	static const int numbers[] = { ENODEV, -ENODEV };

	for (int i = 0; i < 2; i++) {
		struct ebs_error error = { 0 };

		assert_int_equal(ebs_error_explain(&error, numbers[i], "no interface %s", "x"),
				 -ENODEV);
		assert_string_equal(error.code, "ENODEV");
		assert_string_equal(ebs_error_text(&error), "no interface x");
		ebs_error_clear(&error);
	}
}

static void a_number_without_a_name(void **state)
{
	struct ebs_error error = { 0 };

	assert_int_equal(ebs_error_explain(&error, 600, "not known"), -600);
	assert_string_equal(error.code, "EUNKNOWN");
	assert_string_equal(ebs_error_text(&error), "not known");
	ebs_error_clear(&error);
	// The kernel's own, which the C library has no name for.
	assert_int_equal(ebs_error_errno(&error, -ENOTSUPP, "can't attach"), -ENOTSUPP);
	assert_string_equal(error.code, "ENOTSUPP");
	assert_string_equal(ebs_error_text(&error), "can't attach: Operation not supported");
	ebs_error_clear(&error);
}

static void the_first_error_stays(void **state)
{
	struct ebs_error error = { 0 };

	ebs_error_errno(&error, EPERM, "load");
	assert_int_equal(ebs_error_set(&error, "COMPILE", "second"), -EINVAL);
	assert_int_equal(ebs_error_errno(&error, EIO, "third"), -EIO);
	assert_int_equal(ebs_error_explain(&error, EBUSY, "fourth"), -EBUSY);
	assert_string_equal(error.code, "EPERM");
	assert_string_equal(ebs_error_text(&error), "load: Operation not permitted");
	ebs_error_clear(&error);
}

static void cleared_it_can_be_set_again(void **state)
{
	struct ebs_error error = { 0 };

	ebs_error_set(&error, "COMPILE", "first");
	ebs_error_clear(&error);
	assert_false(ebs_error_is_set(&error));
	assert_string_equal(ebs_error_text(&error), "");
	ebs_error_set(&error, "VERIFY", "second");
	assert_string_equal(error.code, "VERIFY");
	assert_string_equal(ebs_error_text(&error), "second");
	ebs_error_clear(&error);
	ebs_error_clear(&error);
}

static void without_an_error_only_the_number(void **state)
{
	assert_int_equal(ebs_error_set(NULL, "COMPILE", "text"), -EINVAL);
	assert_int_equal(ebs_error_errno(NULL, -ENOENT, "text"), -ENOENT);
	assert_int_equal(ebs_error_explain(NULL, ENOENT, "text"), -ENOENT);
}

static void long_texts_stay_whole_long_codes_are_cut(void **state)
{
	struct ebs_error error = { 0 };
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ebs_error_set(&error, "A_CODE_LONGER_THAN_ITS_FIELD", "%s", text);
	assert_string_equal(ebs_error_text(&error), text);
	assert_string_equal(error.code, "A_CODE_LONGER_THAN_ITS_");
	ebs_error_clear(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_unset),
		cmocka_unit_test(a_code_of_ours),
		cmocka_unit_test(an_errno_of_either_sign),
		cmocka_unit_test(an_errno_in_other_words),
		cmocka_unit_test(a_number_without_a_name),
		cmocka_unit_test(the_first_error_stays),
		cmocka_unit_test(cleared_it_can_be_set_again),
		cmocka_unit_test(without_an_error_only_the_number),
		cmocka_unit_test(long_texts_stay_whole_long_codes_are_cut),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
