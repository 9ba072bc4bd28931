// SPDX-License-Identifier: GPL-2.0-only
// Unit tests of host/output/record.h: rows of records, whole and cut short, and columns from types.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <bpf/btf.h>
#include <string.h>

#include "output/record.h"

struct __attribute__((packed)) sample {
	uint8_t u8;
	int8_t s8;
	uint16_t u16;
	int16_t s16;
	uint32_t u32;
	int32_t s32;
	uint64_t u64;
	int64_t s64;
	uint32_t mood;
	char name[8];
	uint8_t bytes[4];
	struct __attribute__((packed)) {
		uint16_t port;
		int32_t list[3];
	} peer;
	uint8_t bits; // 3 bits low, 5 bits high, signed
};

struct fixture {
	struct ebs_types *types;
	uint32_t type_id;
	const struct ebs_layout *layout;
	struct ebs_buffer out;
};

static const struct sample example = {
	.u8 = 255,
	.s8 = -128,
	.u16 = 65535,
	.s16 = -32768,
	.u32 = UINT32_MAX,
	.s32 = INT32_MIN,
	.u64 = UINT64_MAX,
	.s64 = INT64_MIN,
	.mood = 5,
	.name = "a\nb",
	.bytes = { 10, 0, 0, 1 },
	.peer = { .port = 80, .list = { 1, -2, 3 } },
	.bits = 0xff,
};

#define MEMBER(name, type) \
	assert_int_equal(btf__add_field(btf, #name, type, offsetof(struct sample, name) * 8, 0), 0)

static int set_up(void **state)
{
	static struct fixture fixture;
	struct btf *btf = btf__new_empty();
	struct ebs_error error = { 0 };
	int u8 = btf__add_int(btf, "unsigned char", 1, 0);
	int s8 = btf__add_int(btf, "signed char", 1, BTF_INT_SIGNED);
	int u16 = btf__add_int(btf, "unsigned short", 2, 0);
	int s16 = btf__add_int(btf, "short", 2, BTF_INT_SIGNED);
	int u32 = btf__add_int(btf, "unsigned int", 4, 0);
	int s32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int u64 = btf__add_int(btf, "unsigned long", 8, 0);
	int s64 = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
	int character = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	int mood = btf__add_enum(btf, "mood", 4);
	assert_int_equal(btf__add_enum_value(btf, "GOOD", 5), 0);
	assert_int_equal(btf__add_enum_value(btf, "BAD", 1), 0);
	assert_int_equal(btf__add_enum_value(btf, "WORST", 1), 0);
	int name = btf__add_array(btf, u32, character, 8);
	int bytes = btf__add_array(btf, u32, u8, 4);
	int list = btf__add_array(btf, u32, s32, 3);
	int peer = btf__add_struct(btf, "peer", sizeof(example.peer));
	assert_int_equal(btf__add_field(btf, "port", u16, 0, 0), 0);
	assert_int_equal(btf__add_field(btf, "list", list, 16, 0), 0);
	int record = btf__add_struct(btf, "sample", sizeof(example));
	MEMBER(u8, u8);
	MEMBER(s8, s8);
	MEMBER(u16, u16);
	MEMBER(s16, s16);
	MEMBER(u32, u32);
	MEMBER(s32, s32);
	MEMBER(u64, u64);
	MEMBER(s64, s64);
	MEMBER(mood, mood);
	MEMBER(name, name);
	MEMBER(bytes, bytes);
	MEMBER(peer, peer);
	size_t bits = offsetof(struct sample, bits) * 8;
	assert_int_equal(btf__add_field(btf, "low", u8, bits, 3), 0);
	assert_int_equal(btf__add_field(btf, "high", s8, bits + 3, 5), 0);

	fixture = (struct fixture){ .types = ebs_types_new(btf) };
	btf__free(btf);
	fixture.type_id = record;
	fixture.layout = ebs_types_layout(fixture.types, record, &error);
	assert_string_equal(ebs_error_text(&error), "");
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	ebs_types_free(fixture->types);
	ebs_buffer_free(&fixture->out);
	return 0;
}

// The row of the first `size` bytes of `sample`.
static void assert_row_of(struct fixture *fixture, const struct sample *sample, const char *spec,
			  bool json, size_t size, const char *expected)
{
	struct ebs_error error = { 0 };
	struct ebs_columns *columns = ebs_columns_new(spec, json, &error);
	assert_string_equal(ebs_error_text(&error), "");
	struct ebs_record *record = ebs_record_new(columns, fixture->layout, &error);
	assert_string_equal(ebs_error_text(&error), "");
	// In memory of just that size, so that a sanitizer sees what reads further.
	uint8_t *data = test_malloc(size ? size : 1);

	memcpy(data, sample, size);
	ebs_buffer_clear(&fixture->out);
	ebs_record_append(record, data, size, &fixture->out);
	assert_string_equal(fixture->out.data, expected);
	test_free(data);
	ebs_record_free(record);
	ebs_columns_free(columns);
}

static void assert_row(struct fixture *fixture, const char *spec, bool json, size_t size,
		       const char *expected)
{
	assert_row_of(fixture, &example, spec, json, size, expected);
}

#define ALL "u8 s8 u16 s16 u32 s32 u64 s64 mood name bytes|hex peer low high"

static void all_kinds(void **state)
{
	assert_row(*state, ALL, false, sizeof(example),
		   "255 -128 65535 -32768 4294967295 -2147483648 18446744073709551615 "
		   "-9223372036854775808 5    a\\nb 0a000001 {port=80 list=[1 -2 3]} 7   -1\n");
	assert_row(*state, ALL, true, sizeof(example),
		   "{\"u8\":255,\"s8\":-128,\"u16\":65535,\"s16\":-32768,\"u32\":4294967295,"
		   "\"s32\":-2147483648,\"u64\":18446744073709551615,"
		   "\"s64\":-9223372036854775808,\"mood\":5,\"name\":\"a\\nb\","
		   "\"bytes\":\"0a000001\",\"peer\":{\"port\":80,\"list\":[1,-2,3]},"
		   "\"low\":7,\"high\":-1}\n");
}

static void aligned(void **state)
{
	assert_row(*state, "s8:>6 u8:5 mood:6|enum name:>6 u16:>9 low", false, sizeof(example),
		   "  -128 255   GOOD     a\\nb     65535 7\n");
	assert_row(
		*state, "s8:2 u8:>1 low:40 high:>40", false, sizeof(example),
		"-128 255 7                                                                      "
		"        -1\n");
}

static void formatters(void **state)
{
	assert_row(*state,
		   "bytes|ip s32|result u64|size u32|duration mood|flags u16|port peer.port", false,
		   sizeof(example), "10.0.0.1 -2147483648 16.0EiB 4.29s BAD|0x4 65535 80\n");
	assert_row(*state, "bytes|ip s8|errno u64|hex mood|enum u16|port", true, sizeof(example),
		   "{\"bytes\":\"10.0.0.1\",\"s8\":-128,\"u64\":\"0xffffffffffffffff\","
		   "\"mood\":\"GOOD\",\"u16\":65535}\n");
}

// In samples it has no meaning. In what is stored it tells keys apart.
static void text_behind_a_nul(void **state)
{
	static const struct {
		char name[9];
		const char *sample;
		const char *stored;
	} cases[] = {
		{ "sh\0onger", "sh\n", "sh\\x00onger\n" },
		{ "sh\0\0\0\0\0r", "sh\n", "sh\\x00\\x00\\x00\\x00\\x00r\n" },
		{ "sh", "sh\n", "sh\n" },
		{ "\0abcdefg", "\n", "\\x00abcdefg\n" },
		{ "", "\n", "\n" },
		{ "abcdefg", "abcdefg\n", "abcdefg\n" },
		{ "abcdefgh", "abcdefgh\n", "abcdefgh\n" },
		{ "a\nb\0c", "a\\nb\n", "a\\nb\\x00c\\x00\\x00\\x00\n" },
	};
	struct fixture *fixture = *state;
	struct ebs_error error = { 0 };
	const struct ebs_layout *stored =
		ebs_types_stored_layout(fixture->types, fixture->type_id, &error);
	struct sample sample = example;

	assert_string_equal(ebs_error_text(&error), "");
	assert_true(ebs_layout_equal(fixture->layout, stored));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture of_stored = { .layout = stored };

		memcpy(sample.name, cases[i].name, sizeof(sample.name));
		assert_row_of(fixture, &sample, "name", false, sizeof(sample), cases[i].sample);
		assert_row_of(&of_stored, &sample, "name", false, sizeof(sample), cases[i].stored);
		ebs_buffer_free(&of_stored.out);
	}
}

// An address of 16 bytes is what the field beside it says.
static void addresses(void **state)
{
	static const struct {
		const char *name; // of the field beside it
		unsigned value;
		const char *expected;
	} cases[] = {
		{ "version", 4, "10.9.8.7\n" },  { "version", 6, "a09:807::\n" },
		{ "family", 2, "10.9.8.7\n" },   { "family", 10, "a09:807::\n" },
		{ "version", 0, "a09:807::\n" }, { "other", 4, "a09:807::\n" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ebs_error error = { 0 };
		struct btf *btf = btf__new_empty();
		int u8 = btf__add_int(btf, "unsigned char", 1, 0);
		int u32 = btf__add_int(btf, "unsigned int", 4, 0);
		int address = btf__add_array(btf, u32, u8, 16);
		int inner = btf__add_struct(btf, "inner", 17);
		assert_int_equal(btf__add_field(btf, cases[i].name, u8, 0, 0), 0);
		assert_int_equal(btf__add_field(btf, "address", address, 8, 0), 0);
		int outer = btf__add_struct(btf, "outer", 18);
		assert_int_equal(btf__add_field(btf, "first", u8, 0, 0), 0);
		assert_int_equal(btf__add_field(btf, "inner", inner, 8, 0), 0);
		struct ebs_types *types = ebs_types_new(btf);
		uint8_t data[18] = { 9, (uint8_t)cases[i].value, 10, 9, 8, 7 };
		struct ebs_columns *columns = ebs_columns_new("inner.address|ip", false, &error);
		struct ebs_record *record =
			ebs_record_new(columns, ebs_types_layout(types, outer, &error), &error);
		struct ebs_buffer out = { 0 };

		assert_string_equal(ebs_error_text(&error), "");
		ebs_record_append(record, data, sizeof(data), &out);
		assert_string_equal(out.data, cases[i].expected);
		ebs_buffer_clear(&out);
		ebs_record_append(record, data, 9, &out); // cut short
		assert_non_null(out.data);
		ebs_buffer_free(&out);
		ebs_record_free(record);
		ebs_columns_free(columns);
		ebs_types_free(types);
		btf__free(btf);
	}
}

static void a_field_in_a_field(void **state)
{
	assert_row(*state, "peer.port peer.list", false, sizeof(example), "80        1 -2 3\n");
	assert_row(*state, "peer.port peer.list", true, sizeof(example),
		   "{\"peer.port\":80,\"peer.list\":[1,-2,3]}\n");
}

static void samples_cut_short(void **state)
{
	for (size_t size = 0; size <= sizeof(example); size++) {
		struct fixture *fixture = *state;
		struct ebs_columns *columns = ebs_columns_new(ALL, true, NULL);
		struct ebs_record *record = ebs_record_new(columns, fixture->layout, NULL);
		uint8_t *data = test_malloc(size ? size : 1);

		memcpy(data, &example, size);
		ebs_buffer_clear(&fixture->out);
		ebs_record_append(record, data, size, &fixture->out);
		assert_int_equal(fixture->out.data[fixture->out.size - 1], '\n');
		test_free(data);
		ebs_record_free(record);
		ebs_columns_free(columns);
	}
	assert_row(*state, "u8 s8 u16", true, 3, "{\"u8\":255,\"s8\":-128,\"u16\":null}\n");
	assert_row(*state, "u8 name bytes", true, offsetof(struct sample, name) + 2,
		   "{\"u8\":255,\"name\":\"a\\n\",\"bytes\":null}\n");
	assert_row(*state, "u8 peer low", true, offsetof(struct sample, peer) + 6,
		   "{\"u8\":255,\"peer\":{\"port\":80,\"list\":[1]},\"low\":null}\n");
	assert_row(*state, "u8 peer low", false, 0, "\n");
}

static void names_that_no_field_has(void **state)
{
	static const char *const specs[] = { "nope",  "u8 peer.nope", "u8.port",    "peer.",
					     ".port", "peer..port",   "peer.port.x" };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		struct ebs_error error = { 0 };
		struct ebs_columns *columns = ebs_columns_new(specs[i], false, NULL);

		assert_null(ebs_record_new(columns, fixture->layout, &error));
		assert_string_equal(error.code, "EINVAL");
		assert_non_null(strstr(ebs_error_text(&error), "struct sample has no field '"));
		assert_non_null(strstr(ebs_error_text(&error), "its fields are: u8, s8, u16"));
		ebs_error_clear(&error);
		ebs_columns_free(columns);
	}
}

static void columns_from_the_type(void **state)
{
	struct fixture *fixture = *state;
	struct ebs_buffer spec = { 0 };

	ebs_record_spec(fixture->layout, &spec);
	assert_string_equal(spec.data, "u8:>4 s8:>4 u16:>6 s16:>6 u32:>10 s32:>10 u64:>14 s64:>14 "
				       "mood:4|enum name:8 bytes:8|hex peer:32 low:>4 high:>4");
	assert_row(fixture, spec.data, false, sizeof(example),
		   " 255 -128  65535 -32768 4294967295 -2147483648 18446744073709551615 "
		   "-9223372036854775808 GOOD a\\nb     0a000001 {port=80 list=[1 -2 3]}"
		   "             7   -1\n");
	ebs_buffer_free(&spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_kinds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(aligned, set_up, tear_down),
		cmocka_unit_test_setup_teardown(formatters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(text_behind_a_nul, set_up, tear_down),
		cmocka_unit_test(addresses),
		cmocka_unit_test_setup_teardown(a_field_in_a_field, set_up, tear_down),
		cmocka_unit_test_setup_teardown(samples_cut_short, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_that_no_field_has, set_up, tear_down),
		cmocka_unit_test_setup_teardown(columns_from_the_type, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
