// SPDX-License-Identifier: GPL-2.0-only
// Unit tests of host/base/bytes.h.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

// In memory of its own, behind which AddressSanitizer watches.
static uint8_t *make_block(size_t size)
{
	uint8_t *block = malloc(size);

	for (size_t i = 0; i < size; i++)
		block[i] = (uint8_t)i;
	return block;
}

// Whatever an offset and a length say: all of it is inside, or nothing is given.
static void parts(void **state)
{
	static const struct {
		size_t block;
		uint64_t offset, size;
		bool inside;
	} table[] = {
		{ 0, 0, 0, true },
		{ 0, 0, 1, false },
		{ 0, 1, 0, false },
		{ 1, 0, 1, true },
		{ 1, 1, 0, true },
		{ 1, 1, 1, false },
		{ 8, 3, 5, true },
		{ 8, 3, 6, false },
		{ 8, 9, 0, false },
		{ 8, 0, UINT64_MAX, false },
		{ 8, UINT64_MAX, 0, false },
		{ 8, UINT64_MAX, 1, false }, // their sum is 0
		{ 8, UINT64_MAX - 3, 8, false },
		{ 8, 4, UINT64_MAX - 3, false },
		{ 8, UINT32_MAX, UINT32_MAX, false },
		{ 8, (uint64_t)UINT32_MAX + 1, 4, false }, // 0 in 32 bits
		{ 8, 0, (uint64_t)UINT32_MAX + 5, false }, // 4 in 32 bits
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t *block = make_block(table[i].block);
		struct ebs_bytes all = ebs_bytes_of(block, table[i].block);
		struct ebs_bytes part = { 0 };

		assert_int_equal(ebs_bytes_part(all, table[i].offset, table[i].size, &part),
				 table[i].inside);
		if (table[i].inside) {
			assert_ptr_equal(part.data, block + table[i].offset);
			assert_int_equal(part.size, table[i].size);
		} else {
			assert_null(part.data);
		}
		free(block);
	}
}

static void takes_all_or_nothing(void **state)
{
	uint8_t *block = make_block(9);
	struct ebs_bytes left = ebs_bytes_of(block, 9);
	struct ebs_bytes taken;
	uint32_t number = 77, expected;

	assert_true(ebs_bytes_take(&left, 1, NULL));
	memcpy(&expected, block + 1, sizeof(expected));
	assert_true(ebs_bytes_copy(&left, &number, sizeof(number))); // unaligned
	assert_int_equal(number, expected);
	assert_true(ebs_bytes_take(&left, 1, &taken));
	assert_ptr_equal(taken.data, block + 5);
	number = 77;
	assert_false(ebs_bytes_copy(&left, &number, sizeof(number)));
	assert_int_equal(number, 77);
	assert_int_equal(left.size, 3); // nothing was taken
	assert_true(ebs_bytes_take(&left, 3, NULL));
	assert_true(ebs_bytes_take(&left, 0, NULL));
	assert_false(ebs_bytes_take(&left, 1, NULL));
	assert_false(ebs_bytes_copy(&left, &number, 1));
	free(block);
}

static void no_bytes(void **state)
{
	struct ebs_bytes none = ebs_bytes_of(NULL, 0);
	uint8_t byte = 7;

	assert_true(ebs_bytes_take(&none, 0, NULL));
	assert_true(ebs_bytes_copy(&none, &byte, 0));
	assert_false(ebs_bytes_copy(&none, &byte, 1));
	assert_null(ebs_bytes_text(&none));
	assert_int_equal(byte, 7);
}

static void texts(void **state)
{
	static const char content[] = { 'a', 'b', '\0', '\0', 'c', 'd' };
	uint8_t *block = make_block(sizeof(content));
	struct ebs_bytes left = ebs_bytes_of(block, sizeof(content));

	memcpy(block, content, sizeof(content));
	assert_string_equal(ebs_bytes_text(&left), "ab");
	assert_string_equal(ebs_bytes_text(&left), "");
	assert_null(ebs_bytes_text(&left)); // "cd" has no end
	assert_int_equal(left.size, 2);
	free(block);
}

// A reading that goes by a length of the block's own ends, also where that is 0.
static void readings_end(void **state)
{
	for (size_t step = 0; step < 5; step++) {
		uint8_t *block = make_block(64);
		struct ebs_bytes left = ebs_bytes_of(block, 64);
		uint8_t length;
		unsigned turns = 0;

		memset(block, (int)step, 64);
		while (ebs_bytes_copy(&left, &length, 1) && ebs_bytes_take(&left, length, NULL))
			assert_true(++turns <= 64);
		assert_true(turns > 0);
		free(block);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts),    cmocka_unit_test(takes_all_or_nothing),
		cmocka_unit_test(no_bytes), cmocka_unit_test(texts),
		cmocka_unit_test(readings_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
