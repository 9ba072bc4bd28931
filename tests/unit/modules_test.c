// SPDX-License-Identifier: GPL-2.0-only
// Modules: which are there, and whether one has a type of some name.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "types/modules.h"

#define STRINGS(text) text, sizeof(text)

static char folder[] = "/tmp/ebscript-modules.XXXXXX";

static void put(const char *name, const char *data, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

static void take_away(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

static int make_folder(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	return rmdir(folder);
}

static bool have(const char *data, size_t size)
{
	struct ebs_buffer names = { 0 };

	ebs_buffer_append(&names, data, size);
	bool found = ebs_modules_have(folder, &names);
	ebs_buffer_free(&names);
	return found;
}

static struct ebs_buffer list(void)
{
	struct ebs_buffer text = { 0 };

	assert_int_equal(ebs_modules_list(folder, &text), 0);
	assert_true(text.size > 0);
	return text;
}

static void test_list(void **state)
{
	struct ebs_buffer before = list();

	put("btrfs", STRINGS("a"));
	struct ebs_buffer with = list();
	take_away("btrfs");
	struct ebs_buffer after = list();
	assert_string_not_equal(before.data, with.data);
	assert_string_equal(before.data, after.data);
	ebs_buffer_free(&before);
	ebs_buffer_free(&with);
	ebs_buffer_free(&after);
}

static void test_have(void **state)
{
	put("vmlinux", STRINGS("\0in_vmlinux"));
	put("btrfs", STRINGS("\0btrfs_inode\0extent___old\0"));
	put("empty", "", 0);
	assert_false(have(STRINGS("gone")));
	assert_false(have(STRINGS("in_vmlinux"))); // a subset of it is known to lack the name
	assert_false(have(STRINGS("btrfs")));
	assert_false(have(STRINGS("inode")));
	assert_false(have(STRINGS("exten")));
	assert_true(have(STRINGS("btrfs_inode")));
	assert_true(have(STRINGS("extent")));
	assert_true(have(STRINGS("gone\0btrfs_inode")));
	assert_false(have(STRINGS(""))); // found at each place, and never further on
	take_away("vmlinux");
	take_away("btrfs");
	take_away("empty");
}

static void test_unknown(void **state)
{
	struct ebs_buffer text = { 0 }, names = { 0 };

	ebs_buffer_append(&names, STRINGS("gone"));
	assert_int_not_equal(ebs_modules_list("/nonexistent", &text), 0);
	assert_true(ebs_modules_have("/nonexistent", &names));
	ebs_buffer_free(&text);
	ebs_buffer_free(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_have),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
