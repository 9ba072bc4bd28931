// SPDX-License-Identifier: GPL-2.0-only
// types/layout and types/section: BTF made by hand, broken BTF among it.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "types/layout.h"

// What every test starts with.
struct fixture {
	struct btf *btf;
	int s8, u8, s32, u32, u64, character, boolean, f32, f64;
	struct ebs_types *types; // made by done()
};

static int set_up(void **state)
{
	static struct fixture fixture;
	struct btf *btf = btf__new_empty();

	fixture = (struct fixture){
		.btf = btf,
		.s8 = btf__add_int(btf, "signed char", 1, BTF_INT_SIGNED),
		.u8 = btf__add_int(btf, "unsigned char", 1, 0),
		.s32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED),
		.u32 = btf__add_int(btf, "unsigned int", 4, 0),
		.u64 = btf__add_int(btf, "unsigned long", 8, 0),
		.character = btf__add_int(btf, "char", 1, BTF_INT_SIGNED),
		.boolean = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL),
		.f32 = btf__add_float(btf, "float", 4),
		.f64 = btf__add_float(btf, "double", 8),
	};
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	ebs_types_free(fixture->types);
	btf__free(fixture->btf);
	return 0;
}

static int array(struct fixture *fixture, int element, uint32_t count)
{
	return btf__add_array(fixture->btf, fixture->s32, element, count);
}

// Broken BTF: libbpf 1.3 and later refuse it as a whole, and then there is nothing to ask.
static bool libbpf_refuses(struct fixture *fixture)
{
	errno = 0;
	fixture->types = ebs_types_new(fixture->btf);
	if (fixture->types)
		return false;
	assert_int_equal(errno, EINVAL);
	assert_true(libbpf_major_version() > 1 || libbpf_minor_version() >= 3);
	return true;
}

// The BTF is complete: the layout of one of its types.
static const struct ebs_layout *layout_of(struct fixture *fixture, int id)
{
	struct ebs_error error = { 0 };

	assert_true(id > 0);
	if (!fixture->types)
		fixture->types = ebs_types_new(fixture->btf);
	assert_non_null(fixture->types);
	const struct ebs_layout *layout = ebs_types_layout(fixture->types, id, &error);
	assert_string_equal(ebs_error_text(&error), "");
	assert_non_null(layout);
	return layout;
}

static void refuses(struct fixture *fixture, int id)
{
	struct ebs_error error = { 0 };

	if (!fixture->types)
		fixture->types = ebs_types_new(fixture->btf);
	assert_non_null(fixture->types);
	assert_null(ebs_types_layout(fixture->types, id, &error));
	assert_string_equal(error.code, "EINVAL");
	assert_string_not_equal(ebs_error_text(&error), "");
	ebs_error_clear(&error);
}

static void check(const struct ebs_layout *layout, enum ebs_kind kind, uint32_t size,
		  const char *name)
{
	assert_int_equal(layout->kind, kind);
	assert_int_equal(layout->size, size);
	assert_string_equal(layout->name, name);
}

static const struct ebs_field *field_of(const struct ebs_layout *layout, const char *name)
{
	const struct ebs_field *field = ebs_layout_field(layout, name);

	assert_non_null(field);
	return field;
}

// A type of the fixture's BTF, to be written to.
static struct btf_type *writable(struct fixture *fixture, int id)
{
	return (struct btf_type *)(uintptr_t)btf__type_by_id(fixture->btf, id);
}

static void scalars(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;
	int wide = btf__add_int(btf, "__int128", 16, BTF_INT_SIGNED);
	int long_double = btf__add_float(btf, "long double", 16);
	int pointer = btf__add_ptr(btf, fixture->s32);
	int to_void = btf__add_ptr(btf, 0);
	int number = btf__add_typedef(btf, "number_t", fixture->u64);
	int constant = btf__add_const(btf, number);
	int alias = btf__add_typedef(btf, "alias_t", btf__add_volatile(btf, constant));
	int tagged = btf__add_ptr(btf, btf__add_type_tag(btf, "user", fixture->character));

	check(layout_of(fixture, fixture->s8), EBS_SIGNED, 1, "signed char");
	check(layout_of(fixture, fixture->u64), EBS_UNSIGNED, 8, "unsigned long");
	check(layout_of(fixture, fixture->boolean), EBS_BOOL, 1, "_Bool");
	check(layout_of(fixture, fixture->f32), EBS_FLOAT, 4, "float");
	check(layout_of(fixture, fixture->f64), EBS_FLOAT, 8, "double");
	check(layout_of(fixture, wide), EBS_BYTES, 16, "__int128");
	check(layout_of(fixture, long_double), EBS_BYTES, 16, "long double");
	check(layout_of(fixture, pointer), EBS_UNSIGNED, 8, "int *");
	check(layout_of(fixture, to_void), EBS_UNSIGNED, 8, "void *");
	check(layout_of(fixture, number), EBS_UNSIGNED, 8, "number_t");
	check(layout_of(fixture, constant), EBS_UNSIGNED, 8, "number_t");
	check(layout_of(fixture, alias), EBS_UNSIGNED, 8, "alias_t");
	assert_int_equal(layout_of(fixture, alias)->type_id, fixture->u64);
	check(layout_of(fixture, tagged), EBS_UNSIGNED, 8, "char *");
}

static void enums(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;
	int64_t value;

	int plain = btf__add_enum(btf, "plain", 4);
	btf__add_enum_value(btf, "ONE", 1);
	btf__add_enum_value(btf, "TWO", 2);
	int negative = btf__add_enum(btf, "negative", 4);
	btf__add_enum_value(btf, "MINUS", -1);
	int high = btf__add_enum(btf, "high", 4);
	btf__add_enum_value(btf, "TOP", -1);
	writable(fixture, high)->info &= ~(1u << 31); // libbpf took it for a negative value
	int small = btf__add_enum(btf, "small", 1);
	btf__add_enum_value(btf, "S", 200);
	int wide = btf__add_enum64(btf, "wide", 8, true);
	btf__add_enum64_value(btf, "LOW", (uint64_t)INT64_MIN);
	btf__add_enum64_value(btf, "HIGH", INT64_MAX);
	int huge = btf__add_enum64(btf, "huge", 8, false);
	btf__add_enum64_value(btf, "ALL", UINT64_MAX);
	int cut = btf__add_enum(btf, "cut", 8); // what compilers made of it before enum64
	btf__add_enum_value(btf, "LOST", 5);
	int door = btf__add_typedef(btf, "door_t", plain);

	check(layout_of(fixture, plain), EBS_UNSIGNED, 4, "enum plain");
	check(layout_of(fixture, negative), EBS_SIGNED, 4, "enum negative");
	check(layout_of(fixture, high), EBS_LLVM_MAJOR < 15 ? EBS_SIGNED : EBS_UNSIGNED, 4,
	      "enum high");
	check(layout_of(fixture, small), EBS_UNSIGNED, 1, "enum small");
	check(layout_of(fixture, wide), EBS_SIGNED, 8, "enum wide");
	check(layout_of(fixture, huge), EBS_UNSIGNED, 8, "enum huge");

	assert_string_equal(ebs_types_enumerator(fixture->types, plain, 1, &value), "TWO");
	assert_int_equal(value, 2);
	assert_null(ebs_types_enumerator(fixture->types, plain, 2, &value));
	assert_string_equal(ebs_types_enumerator(fixture->types, negative, 0, &value), "MINUS");
	assert_int_equal(value, -1);
	assert_string_equal(ebs_types_enumerator(fixture->types, high, 0, &value), "TOP");
	assert_int_equal(value, EBS_LLVM_MAJOR < 15 ? -1 : (int64_t)0xffffffff);
	assert_string_equal(ebs_types_enumerator(fixture->types, wide, 0, &value), "LOW");
	assert_int_equal(value, INT64_MIN);
	assert_string_equal(ebs_types_enumerator(fixture->types, huge, 0, &value), "ALL");
	assert_int_equal(value, -1);
	assert_string_equal(ebs_types_enumerator(fixture->types, door, 0, &value), "ONE");
	assert_null(ebs_types_enumerator(fixture->types, cut, 0, &value));
	assert_null(ebs_types_enumerator(fixture->types, fixture->u8, 0, &value));
	assert_null(ebs_types_enumerator(fixture->types, 4711, 0, &value));
}

static void arrays(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;
	int text = array(fixture, btf__add_const(btf, fixture->character), 16);
	int bytes = array(fixture, btf__add_typedef(btf, "u8", fixture->u8), 6);
	int numbers = array(fixture, fixture->s8, 2);
	int flags = array(fixture, fixture->boolean, 2);
	int matrix = array(fixture, array(fixture, fixture->u32, 3), 2);
	int lines = array(fixture, text, 4);
	int open_text = array(fixture, fixture->character, 0);
	int open_numbers = array(fixture, fixture->u64, 0);

	check(layout_of(fixture, text), EBS_STRING, 16, "char[16]");
	check(layout_of(fixture, bytes), EBS_BYTES, 6, "u8[6]");
	check(layout_of(fixture, flags), EBS_ARRAY, 2, "_Bool[2]");
	check(layout_of(fixture, numbers), EBS_ARRAY, 2, "signed char[2]");
	const struct ebs_layout *rows = layout_of(fixture, matrix);
	assert_int_equal(rows->kind, EBS_ARRAY);
	assert_int_equal(rows->size, 24);
	assert_int_equal(rows->count, 2);
	check(rows->element, EBS_ARRAY, 12, "unsigned int[3]");
	assert_int_equal(rows->element->count, 3);
	assert_int_equal(layout_of(fixture, lines)->element->kind, EBS_STRING);
	assert_int_equal(layout_of(fixture, open_text)->kind, EBS_STRING);
	assert_true(layout_of(fixture, open_text)->flexible);
	assert_true(layout_of(fixture, open_numbers)->flexible);
	assert_int_equal(layout_of(fixture, open_numbers)->size, 0);
	assert_false(layout_of(fixture, text)->flexible);
}

static void records(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;

	int tail = array(fixture, fixture->u64, 0);
	int inner = btf__add_struct(btf, NULL, 8);
	btf__add_field(btf, "x", fixture->u32, 0, 0);
	btf__add_field(btf, "y", fixture->u32, 32, 0);
	int named = btf__add_struct(btf, "point", 8);
	btf__add_field(btf, "x", fixture->u32, 0, 0);
	int outer = btf__add_struct(btf, "outer", 24);
	btf__add_field(btf, "first", fixture->u64, 0, 0);
	btf__add_field(btf, NULL, inner, 64, 0);
	btf__add_field(btf, "point", named, 128, 0);
	btf__add_field(btf, "tail", tail, 192, 0);
	int empty = btf__add_struct(btf, "empty", 0);

	const struct ebs_layout *layout = layout_of(fixture, outer);
	check(layout, EBS_RECORD, 24, "struct outer");
	assert_int_equal(layout->field_count, 5);
	static const char *const names[] = { "first", "x", "y", "point", "tail" };
	static const uint32_t offsets[] = { 0, 8, 12, 16, 24 };
	for (int i = 0; i < 5; i++) {
		assert_string_equal(layout->fields[i].name, names[i]);
		assert_int_equal(layout->fields[i].offset, offsets[i]);
		assert_int_equal(layout->fields[i].bit_size, 0);
	}
	assert_null(ebs_layout_field(layout, "z"));
	assert_null(ebs_layout_field(layout, ""));
	check(layout_of(fixture, inner), EBS_RECORD, 8, "struct (anonymous)");
	check(layout_of(fixture, empty), EBS_RECORD, 0, "struct empty");
	assert_null(ebs_layout_field(layout_of(fixture, fixture->u32), "x"));
	assert_ptr_equal(layout_of(fixture, outer), layout);
}

static void anonymous_in_anonymous(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;
	int bytes = array(fixture, fixture->u8, 4);
	int deepest = btf__add_union(btf, NULL, 4);
	btf__add_field(btf, "word", fixture->u32, 0, 0);
	btf__add_field(btf, "bytes", bytes, 0, 0);
	int middle = btf__add_struct(btf, NULL, 8);
	btf__add_field(btf, "low", fixture->u32, 0, 4);
	btf__add_field(btf, "high", fixture->u32, 4, 28);
	btf__add_field(btf, NULL, deepest, 32, 0);
	int outer = btf__add_struct(btf, "outer", 12);
	btf__add_field(btf, "first", fixture->u32, 0, 0);
	btf__add_field(btf, NULL, middle, 32, 0);

	const struct ebs_layout *layout = layout_of(fixture, outer);
	assert_int_equal(layout->field_count, 5);
	assert_int_equal(field_of(layout, "word")->offset, 8);
	assert_int_equal(field_of(layout, "bytes")->offset, 8);
	assert_int_equal(field_of(layout, "low")->offset, 4);
	assert_int_equal(field_of(layout, "high")->offset, 4);
	assert_int_equal(field_of(layout, "high")->bit_offset, 4);
	assert_int_equal(field_of(layout, "high")->bit_size, 28);
}

// Before the flag in the record said so, a bitfield was an integer type of few bits.
static void old_bitfields(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;
	int three = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	*(uint32_t *)(writable(fixture, three) + 1) = BTF_INT_SIGNED << 24 | 3;
	int shifted = btf__add_int(btf, "unsigned int", 4, 0);
	*(uint32_t *)(writable(fixture, shifted) + 1) = 5 << 16 | 7; // starts 5 bits further
	int record = btf__add_struct(btf, "old", 8);
	btf__add_field(btf, "a", three, 0, 0);
	btf__add_field(btf, "b", shifted, 8, 0);
	btf__add_field(btf, "c", fixture->u32, 32, 0);
	assert_false(btf_kflag(btf__type_by_id(btf, record)));
	btf_members(writable(fixture, record))->offset = 2; // libbpf would write the new kind

	const struct ebs_layout *layout = layout_of(fixture, record);
	assert_int_equal(field_of(layout, "a")->bit_size, 3);
	assert_int_equal(field_of(layout, "a")->bit_offset, 2);
	assert_int_equal(field_of(layout, "b")->bit_size, 7);
	assert_int_equal(field_of(layout, "b")->offset, 1);
	assert_int_equal(field_of(layout, "b")->bit_offset, 5);
	assert_int_equal(field_of(layout, "c")->bit_size, 0);
	assert_int_equal(field_of(layout, "c")->offset, 4);

	uint8_t bytes[8] = { 0 };
	ebs_bitfield_set(field_of(layout, "a"), bytes, (uint64_t)-4);
	ebs_bitfield_set(field_of(layout, "b"), bytes, 0x55);
	assert_int_equal(ebs_bitfield_get(field_of(layout, "a"), bytes), -4);
	assert_int_equal(ebs_bitfield_get(field_of(layout, "b"), bytes), 0x55);
}

static void new_bitfields(void **state)
{
	struct fixture *fixture = *state;
	int record = btf__add_struct(fixture->btf, "new", 8);
	btf__add_field(fixture->btf, "a", fixture->u32, 0, 1);
	btf__add_field(fixture->btf, "b", fixture->s32, 1, 31);
	btf__add_field(fixture->btf, "c", fixture->boolean, 32, 1);
	btf__add_field(fixture->btf, "d", fixture->u32, 37, 18);
	btf__add_field(fixture->btf, "e", fixture->u8, 56, 0);
	assert_true(btf_kflag(btf__type_by_id(fixture->btf, record)));

	const struct ebs_layout *layout = layout_of(fixture, record);
	assert_int_equal(field_of(layout, "d")->offset, 4);
	assert_int_equal(field_of(layout, "d")->bit_offset, 5);
	assert_int_equal(field_of(layout, "e")->bit_size, 0);
	assert_int_equal(field_of(layout, "e")->offset, 7);

	struct {
		uint32_t a : 1;
		int32_t b : 31;
		_Bool c : 1;
		uint32_t : 4;
		uint32_t d : 18;
		uint32_t : 1;
		uint8_t e;
	} value = { .a = 1, .b = -5, .c = 1, .d = 0x2aaaa, .e = 9 };
	const uint8_t *bytes = (const uint8_t *)&value;
	_Static_assert(sizeof(value) == 8, "as the BTF above");
	assert_int_equal(ebs_bitfield_get(field_of(layout, "a"), bytes), 1);
	assert_int_equal(ebs_bitfield_get(field_of(layout, "b"), bytes), -5);
	assert_int_equal(ebs_bitfield_get(field_of(layout, "c"), bytes), 1);
	assert_int_equal(ebs_bitfield_get(field_of(layout, "d"), bytes), 0x2aaaa);
}

// Every size at every offset: what is set comes back, signed and unsigned, and nothing else
// changes.
static void bitfield_round_trips(void **state)
{
	static const uint64_t patterns[] = { 0, UINT64_MAX, 0x5555555555555555, 0xfedcba9876543210,
					     1 };
	struct ebs_layout layout = { .size = 8 };

	for (unsigned size = 1; size <= 64; size++) {
		for (unsigned offset = 0; offset < 8; offset++) {
			unsigned end = offset + size;
			for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
				struct ebs_field field = { "f", &layout, 1, size, offset };
				uint64_t mask = size == 64 ? UINT64_MAX : (UINT64_C(1) << size) - 1;
				uint64_t value = patterns[i] & mask;
				uint8_t zeros[11] = { 0 };
				uint8_t ones[11];
				memset(ones, 0xff, sizeof(ones));

				ebs_bitfield_set(&field, zeros, patterns[i]);
				ebs_bitfield_set(&field, ones, patterns[i]);
				layout.kind = EBS_UNSIGNED;
				assert_int_equal((uint64_t)ebs_bitfield_get(&field, zeros), value);
				assert_int_equal((uint64_t)ebs_bitfield_get(&field, ones), value);
				layout.kind = EBS_SIGNED;
				bool negative = value >> (size - 1) & 1;
				assert_int_equal((uint64_t)ebs_bitfield_get(&field, ones),
						 negative ? value | ~mask : value);

				for (unsigned bit = 0; bit < sizeof(zeros) * 8; bit++) {
					bool inside = bit >= 8 + offset && bit < 8 + end;
					unsigned want =
						inside ? value >> (bit - 8 - offset) & 1 : 0;

					assert_int_equal(zeros[bit / 8] >> bit % 8 & 1, want);
					if (!inside)
						assert_int_equal(ones[bit / 8] >> bit % 8 & 1, 1);
				}
			}
		}
	}
}

// As above, for bitfields of __int128, the reference being shifts of a whole one.
static void wide_bitfield_round_trips(void **state)
{
	static const unsigned __int128 ones = ~(unsigned __int128)0;
	const unsigned __int128 patterns[] = {
		0,
		ones,
		ones / 3,
		(unsigned __int128)0xfedcba9876543210 << 64 | 0x0123456789abcdef,
	};
	struct ebs_layout layout = { .kind = EBS_BYTES, .size = 16 };

	for (unsigned size = 1; size <= 128; size++) {
		for (unsigned offset = 0; offset < 8; offset++) {
			for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
				struct ebs_field field = { "f", &layout, 1, size, offset };
				unsigned __int128 mask =
					size == 128 ? ones : ((unsigned __int128)1 << size) - 1;
				unsigned __int128 low = patterns[i] & mask;
				bool negative = low >> (size - 1) & 1;
				unsigned __int128 got;
				uint8_t bytes[20] = { 0 };

				ebs_bitfield_set_bytes(&field, bytes,
						       (const uint8_t *)&patterns[i]);
				layout.is_signed = false;
				ebs_bitfield_get_bytes(&field, bytes, (uint8_t *)&got);
				assert_true(got == low);
				assert_int_equal(
					ebs_bitfield_fits(&field, (const uint8_t *)&patterns[i]),
					patterns[i] == low);
				layout.is_signed = true;
				ebs_bitfield_get_bytes(&field, bytes, (uint8_t *)&got);
				assert_true(got == (negative ? low | ~mask : low));
				assert_true(ebs_bitfield_fits(&field, (const uint8_t *)&got));
				for (unsigned bit = 0; bit < sizeof(bytes) * 8; bit++) {
					unsigned from = bit - 8 - offset;
					bool inside = bit >= 8 + offset && from < size;

					assert_int_equal(bytes[bit / 8] >> bit % 8 & 1,
							 inside ? (unsigned)(low >> from & 1) : 0);
				}
			}
		}
	}
}

static void bitfields_of_int128(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;
	int wide = btf__add_int(btf, "__int128", 16, BTF_INT_SIGNED);
	int record = btf__add_struct(btf, "record", 16);
	btf__add_field(btf, "low", fixture->u32, 0, 3);
	btf__add_field(btf, "rest", wide, 3, 125);

	const struct ebs_layout *layout = layout_of(fixture, record);
	assert_int_equal(field_of(layout, "rest")->bit_size, 125);
	assert_int_equal(field_of(layout, "rest")->bit_offset, 3);
	assert_int_equal(field_of(layout, "rest")->layout->kind, EBS_BYTES);
	assert_true(field_of(layout, "rest")->layout->is_signed);
}

// An array's length, or a struct's, that is only known with a sample.
static void flexible_records(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;
	int tail = array(fixture, fixture->u32, 0);
	int inner = btf__add_struct(btf, "inner", 8);
	btf__add_field(btf, "count", fixture->u64, 0, 0);
	btf__add_field(btf, "tail", tail, 64, 0);
	int outer = btf__add_struct(btf, "outer", 16);
	btf__add_field(btf, "first", fixture->u64, 0, 0);
	btf__add_field(btf, "inner", inner, 64, 0);
	int plain = btf__add_struct(btf, "plain", 8);
	btf__add_field(btf, "first", fixture->u64, 0, 0);

	assert_true(layout_of(fixture, inner)->flexible);
	assert_true(layout_of(fixture, outer)->flexible);
	assert_false(layout_of(fixture, plain)->flexible);
}

// What two objects make of the same C.
static void equal_layouts(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;
	static const struct {
		const char *first, *second;
		int offset, bits;
		bool pointer;
	} variants[] = {
		{ "x", "y", 32, 0, false }, // the one that the others are compared with
		{ "x", "y", 32, 0, false }, // equal
		{ "x", "z", 32, 0, false }, // another name
		{ "x", "y", 40, 0, false }, // another place
		{ "x", "y", 32, 8, false }, // a bitfield
	};
	int ids[5], lists[5];

	for (int i = 0; i < 5; i++) {
		ids[i] = btf__add_struct(btf, i ? "other" : "first", 12);
		btf__add_field(btf, variants[i].first, fixture->u32, 0, 0);
		btf__add_field(btf, variants[i].second, fixture->u32, variants[i].offset,
			       variants[i].bits);
		lists[i] = array(fixture, ids[i], 3);
	}
	int longer = array(fixture, ids[0], 4);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(
			ebs_layout_equal(layout_of(fixture, ids[0]), layout_of(fixture, ids[i])),
			i < 2);
		assert_int_equal(ebs_layout_equal(layout_of(fixture, lists[0]),
						  layout_of(fixture, lists[i])),
				 i < 2);
	}
	assert_false(ebs_layout_equal(layout_of(fixture, lists[0]), layout_of(fixture, longer)));
	assert_false(ebs_layout_equal(layout_of(fixture, fixture->u32),
				      layout_of(fixture, fixture->s32)));
}

// Names are found by their addresses, whatever is there.
static void pinned_names(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;
	static char names[64][8];
	int record = btf__add_struct(btf, "record", 256);

	for (int i = 0; i < 64; i++) {
		snprintf(names[i], sizeof(names[i]), "f%d", i);
		btf__add_field(btf, names[i], fixture->u32, i * 32, 0);
	}
	const struct ebs_layout *layout = layout_of(fixture, record);
	for (int i = 0; i < 64; i++) {
		assert_null(ebs_layout_pinned_field(layout, names[i]));
		ebs_layout_pin(layout, names[i], &layout->fields[i]);
		ebs_layout_pin(layout, names[i], &layout->fields[63]); // is there already
	}
	for (int i = 0; i < 64; i++) {
		assert_ptr_equal(ebs_layout_pinned_field(layout, names[i]), &layout->fields[i]);
		assert_null(ebs_layout_pinned_field(layout, names[i] + 1));
		ebs_layout_pin(layout, names[i] + 1, &layout->fields[i]); // there is no room
		assert_null(ebs_layout_pinned_field(layout, names[i] + 1));
		assert_ptr_equal(ebs_layout_field(layout, names[i]), &layout->fields[i]);
	}
	assert_null(ebs_layout_pinned_field(layout_of(fixture, fixture->u32), names[0]));
}

// Structs in structs; and the same without names, whose fields are all lifted.
static void deep_types(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;
	int ids[2][80];

	for (int lifted = 0; lifted < 2; lifted++)
		for (int i = 0; i < 80; i++) {
			ids[lifted][i] = btf__add_struct(btf, NULL, 4);
			btf__add_field(btf, i && lifted ? NULL : "inner",
				       i ? ids[lifted][i - 1] : fixture->u32, 0, 0);
		}
	refuses(fixture, ids[0][79]);
	refuses(fixture, ids[1][79]);
	assert_string_equal(layout_of(fixture, ids[0][60])->fields[0].name, "inner");
	assert_int_equal(field_of(layout_of(fixture, ids[1][60]), "inner")->layout->kind,
			 EBS_UNSIGNED);
}

// The definition of a map, as libbpf's macros write it.
static void add_map(struct fixture *fixture, const char *name, int type_pointee, int value)
{
	struct btf *btf = fixture->btf;
	int type = btf__add_ptr(btf, type_pointee);
	int value_pointer = value ? btf__add_ptr(btf, value) : 0;
	int definition = btf__add_struct(btf, NULL, value ? 16 : 8);

	btf__add_field(btf, "type", type, 0, 0);
	if (value)
		btf__add_field(btf, "value", value_pointer, 64, 0);
	int var = btf__add_var(btf, name, BTF_VAR_GLOBAL_ALLOCATED, definition);
	assert_true(btf__find_by_name_kind(btf, ".maps", BTF_KIND_DATASEC) < 0);
	btf__add_datasec(btf, ".maps", 32);
	assert_int_equal(btf__add_datasec_var_info(btf, var, 0, 16), 0);
}

// `void (*[27])(struct one *, struct two *)`: what the compiler step hangs on "type".
static int sample_types(struct fixture *fixture, int one, int two)
{
	struct btf *btf = fixture->btf;
	int pointers[] = { btf__add_ptr(btf, one), two ? btf__add_ptr(btf, two) : 0 };
	int function = btf__add_func_proto(btf, 0);

	btf__add_func_param(btf, "", pointers[0]);
	if (two)
		btf__add_func_param(btf, "", pointers[1]);
	return array(fixture, btf__add_ptr(btf, function), 27);
}

static int samples(struct fixture *fixture, const char *map, const struct ebs_layout **layouts,
		   int limit)
{
	struct ebs_error error = { 0 };

	if (!fixture->types)
		fixture->types = ebs_types_new(fixture->btf);
	int count = ebs_types_samples(fixture->types, map, layouts, limit, &error);
	assert_false(ebs_error_is_set(&error));
	return count;
}

static void samples_that_the_compiler_found(void **state)
{
	struct fixture *fixture = *state;
	const struct ebs_layout *layouts[2] = { NULL };
	int one = btf__add_struct(fixture->btf, "one", 4);
	int two = btf__add_struct(fixture->btf, "two", 8);

	add_map(fixture, "events", sample_types(fixture, one, two), 0);
	assert_int_equal(samples(fixture, "events", layouts, 2), 2);
	assert_string_equal(layouts[0]->name, "struct one");
	assert_string_equal(layouts[1]->name, "struct two");
	layouts[1] = NULL;
	assert_int_equal(samples(fixture, "events", layouts, 1), 2);
	assert_null(layouts[1]);
	assert_int_equal(samples(fixture, "other", layouts, 2), 0);
}

static void samples_that_the_c_declares(void **state)
{
	struct fixture *fixture = *state;
	const struct ebs_layout *layouts[2] = { NULL };
	int one = btf__add_struct(fixture->btf, "one", 4);
	int two = btf__add_struct(fixture->btf, "two", 8);

	add_map(fixture, "events", sample_types(fixture, one, 0), two);
	assert_int_equal(samples(fixture, "events", layouts, 2), 1);
	assert_string_equal(layouts[0]->name, "struct two");
}

static void samples_that_nobody_knows(void **state)
{
	struct fixture *fixture = *state;
	const struct ebs_layout *layout = NULL;

	assert_int_equal(samples(fixture, "events", &layout, 1), 0); // no section ".maps"
	ebs_types_free(fixture->types);
	fixture->types = NULL;
	add_map(fixture, "events", array(fixture, fixture->s32, 27), 0);
	assert_int_equal(samples(fixture, "events", &layout, 1), 0);
}

struct seen {
	int count;
	struct ebs_variable last;
	int stop_at;
};

static int see(void *context, const struct ebs_variable *variable)
{
	struct seen *seen = context;

	seen->last = *variable;
	return ++seen->count == seen->stop_at ? 42 : 0;
}

static void variables(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;
	struct ebs_error error = { 0 };
	struct seen seen = { 0 };
	int constant = btf__add_const(btf, btf__add_volatile(btf, fixture->u64));
	int one = btf__add_var(btf, "one", BTF_VAR_GLOBAL_ALLOCATED, constant);
	int two = btf__add_var(btf, "two", BTF_VAR_STATIC, constant);
	btf__add_datasec(btf, ".rodata", 24);
	btf__add_datasec_var_info(btf, one, 0, 8);
	btf__add_datasec_var_info(btf, two, 16, 8);
	fixture->types = ebs_types_new(btf);

	assert_int_equal(ebs_types_variables(fixture->types, ".data", see, &seen, &error), 0);
	assert_int_equal(seen.count, 0);
	assert_int_equal(ebs_types_variables(fixture->types, ".rodata", see, &seen, &error), 0);
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.last.name, "two");
	assert_int_equal(seen.last.offset, 16);
	check(seen.last.layout, EBS_UNSIGNED, 8, "unsigned long");
	seen = (struct seen){ .stop_at = 1 };
	assert_int_equal(ebs_types_variables(fixture->types, ".rodata", see, &seen, &error), 42);
	assert_string_equal(seen.last.name, "one");
	assert_false(ebs_error_is_set(&error));
}

static void find(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;
	int record = btf__add_struct(btf, "thing", 4);
	int either = btf__add_union(btf, "either", 4);
	int plain = btf__add_enum(btf, "plain", 4);
	int wide = btf__add_enum64(btf, "wide", 8, false);
	int alias = btf__add_typedef(btf, "alias_t", record);
	int same = btf__add_typedef(btf, "plain", fixture->u8);

	fixture->types = ebs_types_new(btf);
	assert_int_equal(ebs_types_find(fixture->types, "struct thing"), record);
	assert_int_equal(ebs_types_find(fixture->types, "thing"), record);
	assert_int_equal(ebs_types_find(fixture->types, "union either"), either);
	assert_int_equal(ebs_types_find(fixture->types, "either"), either);
	assert_int_equal(ebs_types_find(fixture->types, "enum plain"), plain);
	assert_int_equal(ebs_types_find(fixture->types, "enum wide"), wide);
	assert_int_equal(ebs_types_find(fixture->types, "wide"), wide);
	assert_int_equal(ebs_types_find(fixture->types, "alias_t"), alias);
	assert_int_equal(ebs_types_find(fixture->types, "plain"), same);
	assert_int_equal(ebs_types_find(fixture->types, "unsigned int"), fixture->u32);
	assert_int_equal(ebs_types_find(fixture->types, "struct either"), 0);
	assert_int_equal(ebs_types_find(fixture->types, "struct "), 0);
	assert_int_equal(ebs_types_find(fixture->types, ""), 0);
}

static void broken_references(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;
	int record = btf__add_struct(btf, "record", 8);
	btf__add_field(btf, "missing", 4711, 0, 0);
	int elements = array(fixture, 4711, 4);
	int alias = btf__add_typedef(btf, "alias", 4711);
	int pointer = btf__add_ptr(btf, 4711);

	if (libbpf_refuses(fixture))
		return;
	refuses(fixture, 4711);
	refuses(fixture, record);
	refuses(fixture, elements);
	refuses(fixture, alias);
	assert_int_equal(layout_of(fixture, pointer)->kind,
			 EBS_UNSIGNED); // what it points to is not asked for
	refuses(fixture, record);       // still
}

static void types_that_contain_themselves(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;
	int record = btf__add_struct(btf, "record", 8);
	btf__add_field(btf, "me", record, 0, 0);
	int elements = array(fixture, btf__type_cnt(btf), 1);
	int alias = btf__add_typedef(btf, "alias", btf__type_cnt(btf));
	int constant = btf__add_const(btf, btf__type_cnt(btf));
	int pointer = btf__add_ptr(btf, btf__type_cnt(btf));

	refuses(fixture, record);
	refuses(fixture, elements);
	refuses(fixture, alias);
	refuses(fixture, constant);
	assert_int_equal(layout_of(fixture, pointer)->size, 8);
}

static void sizes_that_are_too_large(void **state)
{
	struct fixture *fixture = *state;
	int row = array(fixture, fixture->u64, 1 << 20);
	int rows = array(fixture, row, 1 << 20);
	int wide = btf__add_int(fixture->btf, "__int128", 16, 0);
	*(uint32_t *)(writable(fixture, wide) + 1) = 130; // bits
	int record = btf__add_struct(fixture->btf, "record", 16);
	btf__add_field(fixture->btf, "wide", wide, 0, 0);
	int half = array(fixture, fixture->u8, UINT32_C(1) << 31);
	int most = array(fixture, fixture->u8, INT32_MAX);
	int behind = btf__add_struct(fixture->btf, "behind", 64); // which would end before it begins
	btf__add_field(fixture->btf, "most", most, 8 * 8, 0);

	assert_int_equal(layout_of(fixture, row)->size, 8 << 20);
	assert_int_equal(layout_of(fixture, most)->size, INT32_MAX);
	refuses(fixture, rows);
	refuses(fixture, record);
	refuses(fixture, half);
	refuses(fixture, behind);
}

static void broken_names(void **state)
{
	struct fixture *fixture = *state;
	struct btf *btf = fixture->btf;
	int record = btf__add_struct(btf, "record", 4);
	btf__add_field(btf, "field", fixture->u32, 0, 0);
	writable(fixture, record)->name_off = 1 << 20;
	btf_members(writable(fixture, record))->name_off = 1 << 20;
	int var = btf__add_var(btf, "var", BTF_VAR_GLOBAL_ALLOCATED, record);
	writable(fixture, var)->name_off = 1 << 20;
	btf__add_datasec(btf, ".maps", 8);
	btf__add_datasec_var_info(btf, var, 0, 4);
	btf__add_datasec_var_info(btf, fixture->u32, 4, 4); // no variable at all
	const struct ebs_layout *layout = NULL;
	struct ebs_error error = { 0 };
	struct seen seen = { 0 };

	if (libbpf_refuses(fixture))
		return;
	check(layout_of(fixture, record), EBS_RECORD, 4, "struct (anonymous)");
	assert_int_equal(samples(fixture, "var", &layout, 1), 0);
	assert_int_equal(ebs_types_variables(fixture->types, ".maps", see, &seen, &error), 0);
	assert_int_equal(seen.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(scalars),
		TEST(enums),
		TEST(arrays),
		TEST(records),
		TEST(anonymous_in_anonymous),
		TEST(old_bitfields),
		TEST(new_bitfields),
		TEST(bitfield_round_trips),
		TEST(wide_bitfield_round_trips),
		TEST(bitfields_of_int128),
		TEST(flexible_records),
		TEST(equal_layouts),
		TEST(pinned_names),
		TEST(deep_types),
		TEST(samples_that_the_compiler_found),
		TEST(samples_that_the_c_declares),
		TEST(samples_that_nobody_knows),
		TEST(variables),
		TEST(find),
		TEST(broken_references),
		TEST(types_that_contain_themselves),
		TEST(sizes_that_are_too_large),
		TEST(broken_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
