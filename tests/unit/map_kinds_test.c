// SPDX-License-Identifier: GPL-2.0-only
// Unit tests of host/kernel/map_kinds.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <bpf/libbpf.h>
#include <string.h>

#include "kernel/map_kinds.h"
#include "types/builtin.h"

#define TYPES 64 // more than there are

static void test_libbpf_knows_the_same_kinds(void **state)
{
	unsigned known = 0;

	for (uint32_t type = 1; type < TYPES; type++) {
		const char *name = libbpf_bpf_map_type_str(type);
		const struct ebs_map_kind *kind = ebs_map_kind(type);

		assert_int_equal(ebs_map_kind_is_known(type), name != NULL);
		if (!name)
			continue;
		assert_string_equal(kind->name, name);
		assert_int_equal(kind->type, type);
		known++;
	}
	assert_in_range(known, 31, TYPES);
	(void)state;
}

static void test_a_refusal_has_something_to_say(void **state)
{
	for (uint32_t type = 1; type < TYPES; type++) {
		const struct ebs_map_kind *kind = ebs_map_kind(type);

		assert_true(kind->abilities || kind->instead);
		if (kind->key >= EBS_KEY_TASK) // a descriptor can't be walked over
			assert_false(kind->abilities & EBS_MAP_WALK);
		if (kind->key >= EBS_KEY_TASK || kind->value == EBS_VALUE_CGROUP)
			assert_non_null(kind->invalid);
	}
	for (unsigned bit = EBS_MAP_GET; bit <= EBS_MAP_SUBMIT; bit <<= 1)
		assert_non_null(strstr(ebs_map_ability_name(bit), "()"));
	(void)state;
}

static void test_a_kind_that_is_not_known_has_entries(void **state)
{
	const struct ebs_map_kind *kind = ebs_map_kind(1000);

	assert_string_equal(kind->name, "unknown");
	assert_int_equal(kind->abilities, EBS_MAP_ENTRIES);
	(void)state;
}

static void test_what_the_kernel_prescribes(void **state)
{
	for (uint32_t type = 1; type < TYPES; type++) {
		const struct ebs_map_kind *kind = ebs_map_kind(type);

		for (uint32_t size = 4; size <= 8; size += 4) {
			const char *names[] = { ebs_map_kind_key(kind, size),
						ebs_map_kind_value(kind, size) };

			for (int i = 0; i < 2; i++)
				if (names[i])
					assert_non_null(ebs_builtin_layout(names[i]));
		}
	}
	const struct ebs_layout *device = ebs_builtin_layout("struct bpf_devmap_val");
	assert_int_equal(device->size, 8);
	assert_int_equal(ebs_layout_field(device, "ifindex")->offset, 0);
	assert_int_equal(ebs_layout_field(device, "program")->offset, 4);
	assert_ptr_equal(device, ebs_builtin_layout("struct bpf_devmap_val"));
	assert_int_equal(ebs_builtin_layout("u64")->size, 8);
	assert_null(ebs_builtin_layout("struct nothing"));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libbpf_knows_the_same_kinds),
		cmocka_unit_test(test_a_refusal_has_something_to_say),
		cmocka_unit_test(test_a_kind_that_is_not_known_has_entries),
		cmocka_unit_test(test_what_the_kernel_prescribes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
