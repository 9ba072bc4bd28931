// SPDX-License-Identifier: GPL-2.0-only
// BTF that is cut, wrong or endless is refused: it must not bring the host down.
#include "btf_fixture.h"

#include <bpf/libbpf.h>
#include <sys/stat.h>
#include <unistd.h>

// For broken BTF: whatever is asked of it, and nobody may crash. Counts what was refused.
static void use(const void *bytes, size_t size, const struct ebs_compile_output *object,
		unsigned *refused)
{
	struct ebs_c_source source = {
		.text = INCLUDES
		"struct user *u; u->list->next; VALUE; struct task_struct *t; word_t w;",
		.include_dirs = include_dirs(),
	};
	struct ebs_tokens tokens = { 0 };
	struct ebs_btf_blob kernel;
	struct ebs_error error = { 0 };
	struct ebs_buffer header = { 0 };
	struct ebs_relocation_subset subset;

	void *data = malloc(size); // of its own, so that reads behind it are seen
	memcpy(data, bytes, size);
	source.size = strlen(source.text);
	if (ebs_btf_blob_view(&kernel, data, size, "the test's BTF", &error)) {
		assert_true(ebs_error_is_set(&error));
		ebs_error_clear(&error);
		++*refused;
		free(data);
		return;
	}
	assert_int_equal(ebs_tokens_collect(&tokens, &source, NULL), 0);
	*refused += ebs_header_write_for(&kernel, &tokens, &header, NULL) < 0;
	ebs_buffer_free(&header);
	ebs_tokens_free(&tokens);
	*refused += ebs_header_write_all(&kernel, NULL, &header, NULL) < 0;
	ebs_buffer_free(&header);
	*refused += ebs_relocation_subset_make(&kernel, object->object, object->object_size,
					       &subset, NULL) < 0;
	ebs_relocation_subset_free(&subset);
	ebs_btf_blob_close(&kernel);
	free(data);
}

// A little of everything that BTF has.
static struct btf *varied_btf(void)
{
	struct btf *btf = new_btf();
	int word = btf__add_typedef(btf, "word_t", int_id(btf));
	int enumeration = btf__add_enum64(btf, "wide", 8, false);
	btf__add_enum64_value(btf, "VALUE", 1ull << 40);
	int values = btf__add_enum(btf, "", 4);
	btf__add_enum_value(btf, "OTHER", 1);
	int forward = btf__add_ptr(btf, btf__add_fwd(btf, "nowhere", BTF_FWD_STRUCT));
	int prototype = btf__add_func_proto(btf, word);
	btf__add_func_param(btf, "p", forward);
	int function = btf__add_ptr(btf, prototype);
	int list = btf__add_struct(btf, "list", 8);
	btf__add_field(btf, "next", list + 1, 0, 0);
	int link = btf__add_ptr(btf, list);
	int array = btf__add_array(btf, int_id(btf), link, 3);
	int inner = btf__add_union(btf, "", 8);
	btf__add_field(btf, "a", word, 0, 0);
	btf__add_field(btf, "bits", int_id(btf), 0, 3);
	int unsteady = btf__add_volatile(btf, function);
	int tagged = btf__add_type_tag(btf, "rcu", link);
	btf__add_struct(btf, "user", 72);
	btf__add_field(btf, "list", link, 0, 0);
	btf__add_field(btf, "array", array, 64, 0);
	btf__add_field(btf, "", inner, 256, 0);
	btf__add_field(btf, "e", enumeration, 320, 0);
	btf__add_field(btf, "o", values, 384, 0);
	btf__add_field(btf, "function", unsteady, 448, 0);
	btf__add_field(btf, "tagged", tagged, 512, 0);
	btf__add_func(btf, "f", BTF_FUNC_GLOBAL, prototype);
	btf__add_var(btf, "v", BTF_VAR_STATIC, word);
	btf__add_float(btf, "double", 8);
	return btf;
}

static int silence(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

static void broken(void **state)
{
	struct btf *btf = varied_btf();
	struct ebs_btf_blob kernel = view_btf(btf);
	uint32_t size;
	const void *raw = btf__raw_data(btf, &size);
	uint8_t *data = malloc(size);
	unsigned refused = 0;

	memcpy(data, raw, size);
	struct ebs_compile_output object =
		compile(&kernel, INCLUDES
			"SEC(\"raw_tp\") int f(struct user *u) { return (long)u->list->next +"
			" (long)u->array[2] + u->bits + (long)u->tagged + u->e; }");
	ebs_btf_blob_close(&kernel);
	use(data, size, &object, &refused);
	assert_int_equal(refused, 0);

	// Cut anywhere.
	for (uint32_t length = 0; length < size; length++) {
		refused = 0;
		use(data, length, &object, &refused);
		assert_int_equal(refused, 1);
	}
	// Any word replaced by one that is out of place.
	static const uint32_t words[] = {
		0, 1, 7, 21, 33, 0xffffffff, 0x7fffffff, 0xeb9f, 0x10000
	};
	refused = 0;
	for (uint32_t at = 0; at + 4 <= size; at += 4)
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			uint32_t old;

			memcpy(&old, data + at, 4);
			memcpy(data + at, &words[i], 4);
			use(data, size, &object, &refused);
			memcpy(data + at, &old, 4);
		}
	assert_true(refused > 100);
	// Any byte, and several, by chance.
	uint32_t chance = 12345;
	for (int round = 0; round < 3000; round++) {
		memcpy(data, raw, size);
		for (int i = 0; i <= round % 4; i++) {
			chance = chance * 1664525 + 1013904223;
			data[(chance >> 8) % size] = chance >> 24;
		}
		use(data, size, &object, &refused);
	}
	free(data);
	btf__free(btf);
	ebs_compile_output_free(&object);
}

// Types that refer to themselves, and chains that are endless for a function that calls itself.
static void loops(void **state)
{
	struct ebs_compile_output none = { .object = (char *)"", .object_size = 0 };
	uint32_t size;

	for (int kind = 0; kind < 6; kind++) {
		struct btf *btf = new_btf();
		int next = btf__type_cnt(btf) + 1;
		unsigned refused = 0;

		if (kind == 0) {
			btf__add_typedef(btf, "word_t", next);
			btf__add_typedef(btf, "loop_t", next - 1);
		} else if (kind == 1) {
			btf__add_typedef(btf, "word_t", next);
			btf__add_ptr(btf, next);
		} else if (kind == 2) {
			btf__add_typedef(btf, "word_t", next);
			btf__add_const(btf, next + 1);
			btf__add_volatile(btf, next);
		} else if (kind == 3) {
			btf__add_typedef(btf, "word_t", next);
			btf__add_struct(btf, "word", 4);
			btf__add_field(btf, "word", next - 1, 0, 0);
		} else if (kind == 4) {
			btf__add_typedef(btf, "word_t", next);
			btf__add_array(btf, int_id(btf), next, 2);
		} else {
			btf__add_typedef(btf, "word_t", next);
			for (int i = 0; i < 200000; i++)
				btf__add_ptr(btf, next + 1 + i);
		}
		const void *data = btf__raw_data(btf, &size);
		use(data, size, &none, &refused);
		if (refused != 3) // both headers, and the object that is none
			fail_msg("kind %d: %u", kind, refused);
		btf__free(btf);
	}
}

// The same BTF behind a header of so many bytes, as a version that adds fields to it would write.
static bool is_read(const uint8_t *raw, uint32_t size, uint32_t header_bytes, uint32_t said)
{
	uint8_t *data = calloc(1, header_bytes + size);
	struct ebs_btf_header *header = (struct ebs_btf_header *)data;
	struct ebs_btf_blob blob;

	memcpy(data + header_bytes, raw + EBS_BTF_HEADER_BYTES, size - EBS_BTF_HEADER_BYTES);
	memcpy(data, raw, EBS_BTF_HEADER_BYTES);
	header->header_size = said;
	bool read = !ebs_btf_blob_view(&blob, data, header_bytes + size - EBS_BTF_HEADER_BYTES, "",
				       NULL);
	if (read)
		assert_string_equal(ebs_btf_string(&blob, ebs_btf_type(&blob, 1)->name_off),
				    "unsigned char");
	ebs_btf_blob_close(&blob);
	free(data);
	return read;
}

static void headers_of_other_versions(void **state)
{
	struct btf *btf = varied_btf();
	uint32_t size;
	const void *raw = btf__raw_data(btf, &size);

	for (uint32_t bytes = 24; bytes <= 4096; bytes += 4)
		assert_true(is_read(raw, size, bytes, bytes));
	for (uint32_t said = 0; said < 24; said++)
		assert_false(is_read(raw, size, 24, said));
	assert_false(is_read(raw, size, 28, 25)); // nothing would be aligned
	assert_false(is_read(raw, size, 32, 0x7fffffff));
	btf__free(btf);
}

// A section of variables, with more of them than 16 bits count.
static void many_variables(void **state)
{
	enum { MANY = 70000 };
	struct btf *btf = new_btf();
	int var = btf__add_var(btf, "v", BTF_VAR_STATIC, int_id(btf));
	uint32_t plain, size;
	const void *raw = btf__raw_data(btf, &plain);
	uint32_t types = ((const struct ebs_btf_header *)raw)->type_size;
	size_t more = EBS_BTF_TYPE_BYTES + MANY * EBS_BTF_SECTION_VAR_BYTES;
	uint8_t *data = calloc(1, plain + more);
	struct ebs_btf_header *header = (struct ebs_btf_header *)data;
	struct ebs_btf_blob blob;

	memcpy(data, raw, EBS_BTF_HEADER_BYTES + types);
	header->type_size += more;
	header->string_place += more;
	memcpy(data + EBS_BTF_HEADER_BYTES + types + more,
	       (const uint8_t *)raw + EBS_BTF_HEADER_BYTES + types, header->string_size);
	struct btf_type *section = (void *)(data + EBS_BTF_HEADER_BYTES + types);
	size = plain + more;
	section->info = (uint32_t)BTF_KIND_DATASEC << 24 | MANY;
	assert_int_equal(ebs_btf_blob_view(&blob, data, size, "", NULL), 0);
	assert_int_equal(blob.count, var + 2);
	assert_int_equal(ebs_btf_vlen(ebs_btf_type(&blob, var + 1)), MANY);
	ebs_btf_blob_close(&blob);
	section->info = (uint32_t)BTF_KIND_STRUCT << 24 | MANY; // libbpf's writer would miss most
	assert_int_not_equal(ebs_btf_blob_view(&blob, data, size, "", NULL), 0);
	free(data);
	btf__free(btf);
}

static void files(void **state)
{
	struct btf *btf = varied_btf();
	struct ebs_btf_blob blob;
	struct ebs_error error = { 0 };
	uint32_t size;
	const void *data = btf__raw_data(btf, &size);

	assert_int_not_equal(ebs_btf_blob_open(&blob, "/nonexistent", &error), 0);
	assert_string_equal(error.code, "ENOENT");
	ebs_error_clear(&error);
	assert_int_not_equal(ebs_btf_blob_open(&blob, "/dev/null", &error), 0);
	assert_non_null(strstr(ebs_error_text(&error), "too short"));
	ebs_error_clear(&error);
	assert_int_not_equal(ebs_btf_blob_open(&blob, "/", &error), 0);
	ebs_error_clear(&error);

	// Whoever owns a file may cut it at any time, whatever its mode: what was read stays.
	static const mode_t modes[] = { 0600, 0400 };
	for (int i = 0; i < 2; i++) {
		char path[] = "/tmp/ebs-btf-XXXXXX";
		int fd = mkstemp(path);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, data, size), size);
		assert_int_equal(fchmod(fd, modes[i]), 0);
		assert_int_equal(ebs_btf_blob_open(&blob, path, &error), 0);
		assert_int_equal(ftruncate(fd, 0), 0);
		close(fd);
		assert_int_equal(blob.count, btf__type_cnt(btf));
		assert_memory_equal(blob.data, data, size);
		assert_false(blob.mapped);
		ebs_btf_blob_close(&blob);
		unlink(path);
	}
	btf__free(btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(headers_of_other_versions),
		cmocka_unit_test(many_variables),
		cmocka_unit_test(broken),
		cmocka_unit_test(loops),
	};
	int failed;

	include_dirs();
	libbpf_set_print(silence);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(templates);
	free(headers);
	return failed;
}
