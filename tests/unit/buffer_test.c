// SPDX-License-Identifier: GPL-2.0-only
// Unit tests of host/base/buffer.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"

// AddressSanitizer reads this: refusing a huge allocation is what one of the tests is about.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void starts_empty(void **state)
{
	struct ebs_buffer buffer = { 0 };

	ebs_buffer_clear(&buffer);
	assert_null(buffer.data);
	assert_null(ebs_buffer_take(&buffer));
	ebs_buffer_free(&buffer);
}

static void appends_in_order_and_ends_in_nul(void **state)
{
	struct ebs_buffer buffer = { 0 };

	ebs_buffer_append(&buffer, "a\0b", 3);
	ebs_buffer_append_char(&buffer, 'c');
	ebs_buffer_append_string(&buffer, "def");
	ebs_buffer_printf(&buffer, "%d-%s", 42, "g");
	assert_int_equal(buffer.size, 11);
	assert_memory_equal(buffer.data, "a\0bcdef42-g", 12);
	assert_false(buffer.failed);
	ebs_buffer_free(&buffer);
}

static void nothing_appended_is_an_empty_string(void **state)
{
	struct ebs_buffer buffer = { 0 };

	ebs_buffer_append(&buffer, NULL, 0);
	assert_int_equal(buffer.size, 0);
	assert_string_equal(buffer.data, "");
	ebs_buffer_free(&buffer);
}

static void grows_and_keeps_what_it_has(void **state)
{
	struct ebs_buffer buffer = { 0 };

	for (int i = 0; i < 100000; i++)
		ebs_buffer_append_char(&buffer, (char)i);
	assert_int_equal(buffer.size, 100000);
	assert_true(buffer.capacity > buffer.size);
	for (int i = 0; i < 100000; i++)
		if (buffer.data[i] != (char)i)
			fail_msg("byte %d differs", i);
	assert_int_equal(buffer.data[100000], '\0');
	ebs_buffer_free(&buffer);
}

// One byte below, at and above each capacity that a doubling reaches.
static void sizes_around_the_capacity(void **state)
{
	char text[600];

	memset(text, 'x', sizeof(text));
	for (size_t size = 0; size < sizeof(text); size++) {
		struct ebs_buffer appended = { 0 };
		struct ebs_buffer printed = { 0 };

		ebs_buffer_append(&appended, text, size);
		ebs_buffer_printf(&printed, "%.*s", (int)size, text);
		assert_int_equal(appended.size, size);
		assert_int_equal(printed.size, size);
		assert_string_equal(appended.data, printed.data);
		ebs_buffer_free(&appended);
		ebs_buffer_free(&printed);
	}
}

static void clear_keeps_the_memory(void **state)
{
	struct ebs_buffer buffer = { 0 };

	ebs_buffer_append_string(&buffer, "something");
	char *data = buffer.data;
	ebs_buffer_clear(&buffer);
	assert_int_equal(buffer.size, 0);
	assert_string_equal(buffer.data, "");
	ebs_buffer_append_string(&buffer, "else");
	assert_ptr_equal(buffer.data, data);
	assert_string_equal(buffer.data, "else");
	ebs_buffer_free(&buffer);
}

static void free_allows_further_use(void **state)
{
	struct ebs_buffer buffer = { 0 };

	ebs_buffer_append_string(&buffer, "one");
	ebs_buffer_free(&buffer);
	assert_null(buffer.data);
	assert_int_equal(buffer.size, 0);
	ebs_buffer_append_string(&buffer, "two");
	assert_string_equal(buffer.data, "two");
	ebs_buffer_free(&buffer);
}

static void take_hands_the_bytes_over(void **state)
{
	struct ebs_buffer buffer = { 0 };

	ebs_buffer_append_string(&buffer, "mine");
	char *data = ebs_buffer_take(&buffer);
	assert_string_equal(data, "mine");
	assert_null(buffer.data);
	ebs_buffer_append_string(&buffer, "yours");
	assert_string_equal(data, "mine");
	free(data);
	ebs_buffer_free(&buffer);
}

static void out_of_memory_is_remembered(void **state)
{
	struct ebs_buffer buffer = { 0 };

	ebs_buffer_append_string(&buffer, "before");
	ebs_buffer_append(&buffer, "", (size_t)1 << 62);
	assert_true(buffer.failed);
	ebs_buffer_append_string(&buffer, "after");
	ebs_buffer_append_char(&buffer, 'x');
	ebs_buffer_printf(&buffer, "%d", 1);
	assert_int_equal(ebs_buffer_read_fd(&buffer, -1), -ENOMEM);
	assert_int_equal(buffer.size, 6);
	assert_string_equal(buffer.data, "before");
	ebs_buffer_clear(&buffer);
	ebs_buffer_append_string(&buffer, "again");
	assert_false(buffer.failed);
	assert_string_equal(buffer.data, "again");
	ebs_buffer_free(&buffer);
}

static void reads_a_file_behind_what_is_there(void **state)
{
	struct ebs_buffer buffer = { 0 };
	char path[] = "/tmp/buffer_test.XXXXXX";
	int fd = mkstemp(path);
	static char content[200001]; // several reads

	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (char)(i * 7);
	assert_int_equal(write(fd, content, sizeof(content)), sizeof(content));
	close(fd);

	ebs_buffer_append_string(&buffer, "head");
	assert_int_equal(ebs_buffer_read_file(&buffer, path), 0);
	unlink(path);
	assert_int_equal(buffer.size, 4 + sizeof(content));
	assert_memory_equal(buffer.data, "head", 4);
	assert_memory_equal(buffer.data + 4, content, sizeof(content));
	assert_int_equal(buffer.data[buffer.size], '\0');
	ebs_buffer_free(&buffer);
}

static void reads_a_pipe_to_its_end(void **state)
{
	struct ebs_buffer buffer = { 0 };
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "a\0b", 3), 3);
	close(ends[1]);
	assert_int_equal(ebs_buffer_read_fd(&buffer, ends[0]), 0);
	close(ends[0]);
	assert_int_equal(buffer.size, 3);
	assert_memory_equal(buffer.data, "a\0b", 4);
	ebs_buffer_free(&buffer);
}

static void files_that_cannot_be_read(void **state)
{
	struct ebs_buffer buffer = { 0 };

	assert_int_equal(ebs_buffer_read_file(&buffer, "/nonexistent/file"), -ENOENT);
	assert_int_equal(ebs_buffer_read_file(&buffer, "/"), -EISDIR);
	assert_int_equal(ebs_buffer_read_fd(&buffer, -1), -EBADF);
	assert_int_equal(buffer.size, 0);
	assert_false(buffer.failed);
	ebs_buffer_free(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_empty),
		cmocka_unit_test(appends_in_order_and_ends_in_nul),
		cmocka_unit_test(nothing_appended_is_an_empty_string),
		cmocka_unit_test(grows_and_keeps_what_it_has),
		cmocka_unit_test(sizes_around_the_capacity),
		cmocka_unit_test(clear_keeps_the_memory),
		cmocka_unit_test(free_allows_further_use),
		cmocka_unit_test(take_hands_the_bytes_over),
		cmocka_unit_test(out_of_memory_is_remembered),
		cmocka_unit_test(reads_a_file_behind_what_is_there),
		cmocka_unit_test(reads_a_pipe_to_its_end),
		cmocka_unit_test(files_that_cannot_be_read),
	};

	return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
