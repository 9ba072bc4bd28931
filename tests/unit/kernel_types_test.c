// SPDX-License-Identifier: GPL-2.0-only
// Headers and subsets of odd types: clashing names, members without names, far pointers.
#include "btf_fixture.h"

#include <unistd.h>

static void expect_text(const struct ebs_buffer *header, const char *text, bool wanted)
{
	if (!!strstr(header->data, text) != wanted)
		fail_msg("\"%s\" is %sin:\n%s", text, wanted ? "not " : "", header->data);
}

static void must_fail(const char *text, struct ebs_buffer *header, const char *message)
{
	struct ebs_compile_output output;
	struct ebs_error error = { 0 };

	assert_int_not_equal(
		try_compile("test.bpf.c", text, header->data, header->size, &output, &error), 0);
	if (!strstr(ebs_error_text(&error), message))
		fail_msg("%s", ebs_error_text(&error));
	ebs_error_clear(&error);
	ebs_compile_output_free(&output);
}

static void pointers(void **state)
{
	struct btf *btf = new_btf();
	int inner = STRUCT(btf, "inner", "a");
	int hidden = STRUCT(btf, "hidden", "b");
	STRUCT(btf, "unused", "c");
	int inner_pointer = btf__add_ptr(btf, btf__add_const(btf, inner));
	int hidden_pointer = btf__add_ptr(btf, hidden);
	btf__add_struct(btf, "outer", 24);
	btf__add_field(btf, "followed", inner_pointer, 0, 0);
	btf__add_field(btf, "other", hidden_pointer, 64, 0);
	btf__add_field(btf, "self", btf__type_cnt(btf) + 0, 128, 0);
	btf__add_ptr(btf, btf__find_by_name(btf, "outer"));
	struct ebs_btf_blob blob = view_btf(btf);
	const struct ebs_btf_blob *kernel = &blob;

	struct ebs_buffer header = minimal_header(
		kernel, INCLUDES "int f(struct outer *o) { return o->followed->a; }");
	expect_text(&header, "struct inner {", true);
	expect_text(&header, "struct outer {", true);
	expect_text(&header, "struct hidden;", true);
	expect_text(&header, "struct hidden {", false);
	expect_text(&header, "unused", false);
	ebs_buffer_free(&header);

	ebs_btf_blob_close(&blob);
	btf__free(btf);
}

// Linux 6.19 and later are compiled with -fms-extensions: a named struct as an unnamed member.
static void tagged_anonymous_members(void **state)
{
	struct btf *btf = new_btf();
	int base = STRUCT(btf, "base", "a", "b");
	btf__add_struct(btf, "derived", 12);
	btf__add_field(btf, "", base, 0, 0);
	btf__add_field(btf, "c", int_id(btf), 64, 0);
	struct ebs_btf_blob blob = view_btf(btf);
	const struct ebs_btf_blob *kernel = &blob;
	struct ebs_compile_output output = compile(
		kernel, INCLUDES "SEC(\"raw_tp\") int f(struct derived *d) { return d->b; }");

	struct ebs_relocation_subset subset;
	assert_int_equal(ebs_relocation_subset_make(kernel, output.object, output.object_size,
						    &subset, NULL),
			 0);
	assert_int_equal(subset.kind, EBS_SUBSET_WHOLE);
	assert_non_null(memmem(subset.btf.data, subset.btf.size, "derived", 8));
	assert_non_null(memmem(subset.btf.data, subset.btf.size, "base", 5));
	ebs_relocation_subset_free(&subset);
	ebs_compile_output_free(&output);
	ebs_btf_blob_close(&blob);
	btf__free(btf);
}

static void one_name_twice(void **state)
{
	struct btf *btf = new_btf();
	STRUCT(btf, "twice", "first");
	int second = STRUCT(btf, "twice", "second");
	btf__add_union(btf, "mixed", 4);
	btf__add_field(btf, "u", int_id(btf), 0, 0);
	int mixed = STRUCT(btf, "mixed2", "s");
	int forward = btf__add_fwd(btf, "mixed", BTF_FWD_STRUCT);
	int stranger = btf__add_fwd(btf, "stranger", BTF_FWD_UNION);
	int pointers[] = { btf__add_ptr(btf, second), btf__add_ptr(btf, forward),
			   btf__add_ptr(btf, stranger), btf__add_ptr(btf, mixed) };
	btf__add_struct(btf, "user", 32);
	for (int i = 0; i < 4; i++)
		btf__add_field(btf,
			       i ? i == 1       ? "m"
				       : i == 2 ? "s"
						: "x"
				 : "t",
			       pointers[i], i * 64, 0);
	struct ebs_btf_blob blob = view_btf(btf);
	const struct ebs_btf_blob *kernel = &blob;
	const char *text =
		INCLUDES "SEC(\"raw_tp\") int f(struct user *u) {\n"
			 "	struct twice *t = (void *)u->m; union mixed *m = (void *)t;\n"
			 "	return t->first + m->u + (long)u->s; }";
	struct ebs_buffer header = minimal_header(kernel, text);
	expect_text(&header, "struct twice {\n\tint first;", true);
	expect_text(&header, "struct twice___2 {\n\tint second;", true);
	expect_text(&header, "union mixed {", true);
	expect_text(&header, "void *m;", true); // "struct mixed" can't be declared too
	expect_text(&header, "union stranger *s;", true);
	ebs_buffer_free(&header);
	struct ebs_compile_output output = compile(kernel, text);

	// Relocations look at both.
	struct ebs_relocation_subset subset;
	assert_int_equal(ebs_relocation_subset_make(kernel, output.object, output.object_size,
						    &subset, NULL),
			 0);
	struct btf *written = btf__new(subset.btf.data, subset.btf.size);
	int found = 0;
	for (uint32_t id = 1; id < btf__type_cnt(written); id++) {
		const struct btf_type *type = btf__type_by_id(written, id);
		const char *name = btf__name_by_offset(written, type->name_off);

		found += btf_is_struct(type) && btf_vlen(type) == 1 && strcmp(name, "twice") == 0;
	}
	assert_int_equal(found, 2);
	btf__free(written);
	ebs_relocation_subset_free(&subset);
	ebs_compile_output_free(&output);
	ebs_btf_blob_close(&blob);
	btf__free(btf);
}

// Names that the C takes for itself, though the kernel has them too.
static void own_names(void **state)
{
	struct btf *btf = new_btf();
	int event = STRUCT(btf, "event", "theirs");
	int enumeration = btf__add_enum(btf, "kind", 4);
	btf__add_enum_value(btf, "ENUMERATOR", 7);
	btf__add_enum_value(btf, "LIMIT", 8);
	int word = btf__add_typedef(btf, "word_t", int_id(btf));
	int pointer = btf__add_ptr(btf, event);
	btf__add_struct(btf, "holder", 24);
	btf__add_field(btf, "pointer", pointer, 0, 0);
	btf__add_field(btf, "kind", enumeration, 64, 0);
	btf__add_field(btf, "word", word, 96, 0);
	btf__add_field(btf, "value", event, 128, 0);
	struct ebs_btf_blob blob = view_btf(btf);
	const struct ebs_btf_blob *kernel = &blob;
	struct ebs_buffer full = { 0 };
	assert_int_equal(ebs_header_write_all(kernel, NULL, &full, NULL), 0);
	const char *text =
		INCLUDES "#define LIMIT 3\n"
			 "typedef char word_t[16];\n"
			 "enum kind { ENUMERATOR };\n"
			 "struct event { int pid; word_t word; int mine[LIMIT + ENUMERATOR]; };\n"
			 "struct event last;\n"
			 "SEC(\"raw_tp\") int f(struct holder *h) {\n"
			 "	last.pid = h->word; last.mine[1] = h->value.theirs;\n"
			 "	return h->pointer->theirs; }";

	must_fail(text, &full, "redefinition");
	struct ebs_compile_output output = compile(kernel, text);
	struct ebs_relocation_subset subset;
	assert_int_equal(ebs_relocation_subset_make(kernel, output.object, output.object_size,
						    &subset, NULL),
			 0);
	// All of the C's struct stays as it is; the kernel's is found under its own name.
	assert_int_equal(subset.kind, EBS_SUBSET_WHOLE);
	assert_non_null(memmem(subset.btf.data, subset.btf.size, "theirs", 7));
	assert_null(memmem(subset.btf.data, subset.btf.size, "___kernel", 9));
	ebs_relocation_subset_free(&subset);
	ebs_buffer_free(&full);
	ebs_compile_output_free(&output);
	ebs_btf_blob_close(&blob);
	btf__free(btf);
}

static enum ebs_subset_kind kind_for(const struct ebs_btf_blob *kernel, const char *body)
{
	struct ebs_buffer text = { 0 };
	struct ebs_relocation_subset subset;

	ebs_buffer_printf(&text,
			  INCLUDES "#include <bpf/bpf_core_read.h>\nunsigned long out;\n"
				   "struct here___old { int b; }; union mixed { int a; };\n"
				   "struct gone { int a; };\n"
				   "SEC(\"raw_tp\") int f(struct here *h) { out = %s; return 0; }",
			  body);
	struct ebs_compile_output output = compile(kernel, text.data);
	assert_int_equal(ebs_relocation_subset_make(kernel, output.object, output.object_size,
						    &subset, NULL),
			 0);
	assert_int_equal(subset.btf.size > 0,
			 subset.kind == EBS_SUBSET_WHOLE || subset.kind == EBS_SUBSET_OF_VMLINUX);
	assert_int_equal(subset.missing.size > 0, subset.kind == EBS_SUBSET_OF_VMLINUX);
	if (subset.missing.size)
		assert_true(strcmp(subset.missing.data, "gone") == 0 ||
			    strcmp(subset.missing.data, "mixed") == 0);
	ebs_relocation_subset_free(&subset);
	ebs_buffer_free(&text);
	ebs_compile_output_free(&output);
	return subset.kind;
}

static void kinds_of_subsets(void **state)
{
	struct btf *btf = new_btf();
	STRUCT(btf, "here", "a");
	STRUCT(btf, "mixed", "a");
	struct ebs_btf_blob blob = view_btf(btf);
	const struct ebs_btf_blob *kernel = &blob;

	assert_int_equal(kind_for(kernel, "1"), EBS_SUBSET_UNNEEDED);
	assert_int_equal(kind_for(kernel, "h->a"), EBS_SUBSET_WHOLE);
	assert_int_equal(kind_for(kernel, "bpf_core_type_exists(struct here___old)"),
			 EBS_SUBSET_WHOLE);
	assert_int_equal(kind_for(kernel, "bpf_core_type_id_local(struct here)"), EBS_SUBSET_WHOLE);
	assert_int_equal(kind_for(kernel, "bpf_core_type_exists(struct gone)"),
			 EBS_SUBSET_OF_VMLINUX);
	assert_int_equal(kind_for(kernel, "bpf_core_type_exists(union mixed) + h->a"),
			 EBS_SUBSET_OF_VMLINUX);
	assert_int_equal(kind_for(kernel, "bpf_core_type_id_kernel(struct here) + h->a"),
			 EBS_SUBSET_IMPOSSIBLE);
	ebs_btf_blob_close(&blob);
	btf__free(btf);
}

// What the minimal header can't know shows as an error, and compiles with every type.
static void too_small(void **state)
{
	struct btf *btf = new_btf();
	int far = STRUCT(btf, "far", "a");
	int pointer = btf__add_ptr(btf, far);
	btf__add_struct(btf, "near", 8);
	btf__add_field(btf, "pointer", pointer, 0, 0);
	struct ebs_btf_blob blob = view_btf(btf);
	const struct ebs_btf_blob *kernel = &blob;
	struct ebs_buffer full = { 0 };
	assert_int_equal(ebs_header_write_all(kernel, NULL, &full, NULL), 0);
	const char *text = INCLUDES "#define PASTE(a, b) a##b\n"
				    "SEC(\"raw_tp\") int f(struct near *n) {\n"
				    "	return n->PASTE(poin, ter)->a; }";
	struct ebs_buffer header = minimal_header(kernel, text);

	must_fail(text, &header, "incomplete definition");
	struct ebs_compile_output output = must_compile("test.bpf.c", text, full.data, full.size);
	ebs_compile_output_free(&output);
	ebs_buffer_free(&header);
	ebs_buffer_free(&full);
	ebs_btf_blob_close(&blob);
	btf__free(btf);
}

// The type of a helper's result need not be named.
static void results_of_helpers(void **state)
{
	struct btf *btf = new_btf();
	STRUCT(btf, "task_struct", "utime");
	STRUCT(btf, "tcp_sock", "snd_cwnd");
	STRUCT(btf, "sk_msg_md", "taken"); // only as a parameter
	struct ebs_btf_blob blob = view_btf(btf);
	const struct ebs_btf_blob *kernel = &blob;
	const char *text = INCLUDES "SEC(\"raw_tp\") int f(void *c) {\n"
				    "	return bpf_get_current_task_btf()->utime; }";
	struct ebs_buffer header = minimal_header(kernel, text);

	expect_text(&header, "tcp_sock", false);
	expect_text(&header, "sk_msg_md", false);
	ebs_buffer_free(&header);
	struct ebs_compile_output output = compile(kernel, text);
	ebs_compile_output_free(&output);
	ebs_btf_blob_close(&blob);
	btf__free(btf);
}

// Functions for which the C has no declaration: those that the BTF marks; where it marks none, what
// preprocessed C calls.
static void kfuncs(void **state)
{
	for (int tagged = 0; tagged < 2; tagged++) {
		struct btf *btf = new_btf();
		int result = btf__add_ptr(btf, STRUCT(btf, "result", "field"));
		int prototype = btf__add_func_proto(btf, result);
		btf__add_func_param(btf, "number", int_id(btf));
		int function = btf__add_func(btf, "bpf_make", BTF_FUNC_STATIC, prototype);
		btf__add_func(btf, "other", BTF_FUNC_STATIC, prototype);
		if (tagged)
			btf__add_decl_tag(btf, "bpf_kfunc", function, -1);
		struct ebs_btf_blob blob = view_btf(btf);
		const struct ebs_btf_blob *kernel = &blob;
		struct ebs_buffer header = minimal_header(
			kernel, INCLUDES "int f(void) { return bpf_make(1)->field + other; }");

		expect_text(&header, "extern struct result *bpf_make(int number)", tagged);
		expect_text(&header, "struct result {", tagged);
		expect_text(&header, "other(", false);
		ebs_buffer_free(&header);
		header = minimal_header(kernel, INCLUDES
					"extern struct result *bpf_make(int number) __ksym;");
		expect_text(&header, "bpf_make", false);
		ebs_buffer_free(&header);

		struct ebs_c_source source = {
			.text = "int f(void) { return bpf_make(1)->field + other; }",
			.preprocessed = true,
		};
		struct ebs_tokens tokens = { 0 };
		source.size = strlen(source.text);
		assert_int_equal(ebs_tokens_collect(&tokens, &source, NULL), 0);
		assert_int_equal(ebs_header_write_all(kernel, &tokens, &header, NULL), 0);
		expect_text(&header, "extern struct result *bpf_make(int number)", true);
		expect_text(&header, "other(", false);
		ebs_buffer_free(&header);
		ebs_tokens_free(&tokens);
		ebs_btf_blob_close(&blob);
		btf__free(btf);
	}
}

struct twin {
	const char *name;
	const char *what; // "struct ", "union ", "enum ", or "" for an enumerator
};

static int compare_twins(const void *one, const void *other)
{
	const struct twin *a = one, *b = other;
	int names = strcmp(a->name, b->name);

	return names ? names : strcmp(a->what, b->what);
}

static void add_twin(struct twin **twins, size_t *count, const char *name, const char *what)
{
	if (!*name)
		return;
	if (*count % 4096 == 0)
		*twins = realloc(*twins, (*count + 4096) * sizeof(**twins));
	assert_non_null(*twins);
	(*twins)[(*count)++] = (struct twin){ name, what };
}

// The line "NAME = VALUE," of an enumerator, or the whole definition of a type.
static struct ebs_buffer definition(const struct ebs_buffer *header, struct twin twin)
{
	struct ebs_buffer pattern = { 0 }, text = { 0 };

	ebs_buffer_printf(&pattern, *twin.what ? "\n%s%s {\n" : "%s\t%s = ", twin.what, twin.name);
	const char *start = strstr(header->data, pattern.data);
	if (!start)
		fail_msg("no %s%s", twin.what, twin.name);
	const char *end = strstr(start, *twin.what ? "\n}" : ",\n");
	const char *last = strstr(start, "\n}"); // the last enumerator has no comma
	if (last && (!end || last < end))
		end = last;
	assert_non_null(end);
	ebs_buffer_append(&text, start, end - start);
	ebs_buffer_free(&pattern);
	return text;
}

// Where the kernel has several types or enumerators of one name, both headers mean the same one.
static void same_meaning_of_twins(void **state)
{
	struct ebs_buffer text = { 0 };
	struct ebs_btf_blob blob;
	struct ebs_buffer full = { 0 };
	struct twin *all = NULL, *twins = NULL;
	size_t count = 0, twin_count = 0;
	if (access(EBS_KERNEL_BTF, F_OK))
		skip_case("needs a kernel with BTF");

	assert_int_equal(ebs_btf_blob_open(&blob, EBS_KERNEL_BTF, NULL), 0);
	assert_int_equal(ebs_header_write_all(&blob, NULL, &full, NULL), 0);
	for (uint32_t id = 1; id < blob.count; id++) {
		const struct btf_type *type = ebs_btf_type(&blob, id);
		const char *name = ebs_btf_string(&blob, type->name_off);

		if (ebs_btf_is_record(type))
			add_twin(&all, &count, name,
				 ebs_btf_kind(type) == BTF_KIND_STRUCT ? "struct " : "union ");
		for (uint32_t i = 0; ebs_btf_is_enum(type) && i < ebs_btf_vlen(type); i++)
			add_twin(&all, &count, ebs_btf_string(&blob, ebs_btf_enumerator(type, i)),
				 "");
	}
	qsort(all, count, sizeof(*all), compare_twins);
	ebs_buffer_append_string(&text, "#include \"vmlinux.h\"\n");
	for (size_t i = 1; i < count; i++) {
		if (compare_twins(&all[i - 1], &all[i]) ||
		    (twin_count && compare_twins(&all[i], &twins[twin_count - 1]) == 0))
			continue;
		add_twin(&twins, &twin_count, all[i].name, all[i].what);
		ebs_buffer_printf(&text, "%s%s;\n", all[i].what, all[i].name);
	}
	printf("# %zu names that more than one type or enumerator has\n", twin_count);

	struct ebs_buffer header = minimal_header(&blob, text.data);
	for (size_t i = 0; i < twin_count; i++) {
		struct ebs_buffer mine = definition(&header, twins[i]);
		struct ebs_buffer theirs = definition(&full, twins[i]);

		assert_string_equal(mine.data, theirs.data);
		ebs_buffer_free(&mine);
		ebs_buffer_free(&theirs);
	}
	ebs_buffer_free(&header);
	ebs_buffer_free(&full);
	ebs_buffer_free(&text);
	free(all);
	free(twins);
	ebs_btf_blob_close(&blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pointers),
		cmocka_unit_test(tagged_anonymous_members),
		cmocka_unit_test(one_name_twice),
		cmocka_unit_test(own_names),
		cmocka_unit_test(kinds_of_subsets),
		cmocka_unit_test(too_small),
		cmocka_unit_test(results_of_helpers),
		cmocka_unit_test(same_meaning_of_twins),
		cmocka_unit_test(kfuncs),
	};
	int failed;

	include_dirs();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(templates);
	free(headers);
	return failed;
}
