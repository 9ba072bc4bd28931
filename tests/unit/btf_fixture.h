// SPDX-License-Identifier: GPL-2.0-only
// BTF that tests of kernel types make themselves.
#ifndef EBS_TESTS_BTF_FIXTURE_H
#define EBS_TESTS_BTF_FIXTURE_H

#include "subset_fixture.h"

#include <bpf/btf.h>

#define INCLUDES "#include \"vmlinux.h\"\n#include <bpf/bpf_helpers.h>\n"

static struct btf *new_btf(void)
{
	static const struct {
		const char *name;
		unsigned size;
		int encoding;
		const char *alias;
	} integers[] = {
		{ "unsigned char", 1, 0, "__u8" },
		{ "short unsigned int", 2, 0, "__u16" },
		{ "unsigned int", 4, 0, "__u32" },
		{ "int", 4, BTF_INT_SIGNED, "__s32" },
		{ "long long unsigned int", 8, 0, "__u64" },
		{ "long long int", 8, BTF_INT_SIGNED, "__s64" },
		{ "long unsigned int", 8, 0, "size_t" },
		{ "_Bool", 1, BTF_INT_BOOL, "bool" },
	};
	struct btf *btf = btf__new_empty();

	for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
		int id =
			btf__add_int(btf, integers[i].name, integers[i].size, integers[i].encoding);
		assert_true(id > 0);
		assert_true(btf__add_typedef(btf, integers[i].alias, id) > 0);
	}
	btf__add_typedef(btf, "__be16", btf__find_by_name(btf, "__u16"));
	btf__add_typedef(btf, "__be32", btf__find_by_name(btf, "__u32"));
	btf__add_typedef(btf, "__wsum", btf__find_by_name(btf, "__u32"));
	return btf;
}

static int int_id(const struct btf *btf)
{
	return btf__find_by_name_kind(btf, "int", BTF_KIND_INT);
}

// A struct whose members are ints, up to a NULL; ids of other types for them in `types`, or NULL.
static inline int add_struct(struct btf *btf, const char *name, const char *const *members)
{
	int count = 0;

	while (members[count])
		count++;
	int id = btf__add_struct(btf, name, count * 4);
	assert_true(id > 0);
	for (int i = 0; i < count; i++)
		assert_int_equal(btf__add_field(btf, members[i], int_id(btf), i * 32, 0), 0);
	return id;
}

#define STRUCT(btf, name, ...) add_struct(btf, name, (const char *const[]){ __VA_ARGS__, NULL })

// Over the bytes of `btf`, which must stay.
static struct ebs_btf_blob view_btf(struct btf *btf)
{
	struct ebs_btf_blob blob;
	struct ebs_error error = { 0 };
	uint32_t size;
	const void *data = btf__raw_data(btf, &size);

	assert_non_null(data);
	if (ebs_btf_blob_view(&blob, data, size, "the test's BTF", &error))
		fail_msg("%s", ebs_error_text(&error));
	return blob;
}

// With the minimal header; the caller frees.
static struct ebs_compile_output compile(const struct ebs_btf_blob *kernel, const char *text)
{
	struct ebs_buffer header = minimal_header(kernel, text);
	struct ebs_compile_output output =
		must_compile("test.bpf.c", text, header.data, header.size);

	if (output.messages)
		fail_msg("%s", output.messages);
	ebs_buffer_free(&header);
	return output;
}

#endif
