// SPDX-License-Identifier: GPL-2.0-only
// The names that are found in C text and in the files that it includes.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "types/tokens.h"

enum {
	USED = EBS_NAME_USED,
	TAG = EBS_NAME_TAG,
	OWN_TAG = EBS_NAME_OWN_TAG,
	OWN = EBS_NAME_OWN,
	NONE = 0,
};

static struct ebs_tokens collect(struct ebs_c_source source)
{
	struct ebs_tokens tokens = { 0 };
	struct ebs_error error = { 0 };

	source.size = strlen(source.text);
	assert_int_equal(ebs_tokens_collect(&tokens, &source, &error), 0);
	return tokens;
}

static struct ebs_tokens collect_text(const char *text)
{
	return collect((struct ebs_c_source){ .text = text });
}

static void expect(const struct ebs_tokens *tokens, const char *name, uint32_t flags)
{
	const struct ebs_name *found = ebs_names_find(&tokens->names, name);

	if ((found ? found->flags : NONE) != flags)
		fail_msg("%s: flags %u, expected %u", name, found ? found->flags : NONE, flags);
}

struct expectation {
	const char *text;
	const char *name;
	uint32_t flags;
};

static void names(void **state)
{
	static const struct expectation all[] = {
		{ "int a;", "a", USED },
		{ "a b", "ab", NONE },
		{ "a_1 = b2;", "a_1", USED },
		{ "// a\n b", "a", NONE },
		{ "/* a\n b */ c", "b", NONE },
		{ "/* a */ c", "c", USED },
		{ "x = \"a b\" + c;", "b", NONE },
		{ "x = \"a \\\" b\" + c;", "b", NONE },
		{ "x = \"a \\\" b\" + c;", "c", USED },
		{ "'\\'' a", "a", USED },
		{ "#error don't\nint a;", "a", USED },
		{ "/* unfinished a", "a", NONE },
		{ "\"unfinished\nb", "b", USED },
		{ "0x1fULL 1e+a 2.ab .5f", "ULL", NONE },
		{ "0x1fULL 1e+a 2.ab .5f", "a", NONE },
		{ "0x1fULL 1e+a 2.ab .5f", "f", NONE },
		{ "x->a", "a", USED },
		{ "1-a", "a", USED },
		{ "long\\\nname;", "longname", USED },
		{ "long\\\r\nname;", "longname", USED },
		{ "// comment \\\n a\n b", "a", NONE },
		{ "#define X(y) y + z", "z", USED },
		{ "# define X(y) y + z", "X", USED | OWN },
		{ "#define X struct a", "a", USED | TAG },
		{ "x # define Y", "Y", USED },
		{ "/* */ #define Y 1", "Y", USED | OWN },
		{ "#undef X", "X", USED },
		{ "#if defined(A) && B", "B", USED },
		{ "a/b", "b", USED },
		{ "a///**/\nb", "b", USED },
		{ "\\", "x", NONE },
		{ "", "", NONE },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct ebs_tokens tokens = collect_text(all[i].text);

		expect(&tokens, all[i].name, all[i].flags);
		ebs_tokens_free(&tokens);
	}
}

static void tags(void **state)
{
	static const struct expectation all[] = {
		{ "struct a *p;", "a", USED | TAG },
		{ "struct a *p;", "p", USED },
		{ "union\n/* */ a *p;", "a", USED | TAG },
		{ "enum a p;", "a", USED | TAG },
		{ "struct a { int b; };", "a", USED | TAG | OWN_TAG },
		{ "struct __attribute__((packed, aligned(8))) a { int b; };", "a",
		  USED | TAG | OWN_TAG },
		{ "struct a x; struct a { int b; };", "a", USED | TAG | OWN_TAG },
		{ "struct a;", "a", USED | TAG },
		{ "struct { struct a *p; } x;", "a", USED | TAG },
		{ "structure a;", "a", USED },
		{ "struct a___old { int b; };", "a", USED | TAG },
		{ "struct a___old { int b; };", "a___old", USED | TAG | OWN_TAG },
		{ "x = VALUE___old;", "VALUE", USED },
		{ "__a___b____c", "__a", USED },
		{ "a____b", "a", NONE }, // four of them are no flavor
		{ "___a", "a", NONE },
		{ "enum a { B, C = 1, D = f(G, H) | I, };", "a", USED | TAG | OWN_TAG },
		{ "enum a { B, C = 1, D = f(G, H) | I, };", "B", USED | OWN },
		{ "enum a { B, C = 1, D = f(G, H) | I, };", "D", USED | OWN },
		{ "enum a { B, C = 1, D = f(G, H) | I, };", "H", USED },
		{ "enum a { B, C = 1, D = f(G, H) | I, };", "I", USED },
		{ "enum { B, C } x;", "C", USED | OWN },
		{ "enum { B, C } x;", "x", USED },
		{ "enum a : unsigned char { B };", "a", USED | TAG | OWN_TAG },
		{ "enum a : unsigned char { B };", "B", USED | OWN },
		{ "enum a b = C;", "C", USED },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct ebs_tokens tokens = collect_text(all[i].text);

		expect(&tokens, all[i].name, all[i].flags);
		ebs_tokens_free(&tokens);
	}
}

static void typedefs(void **state)
{
	static const struct expectation all[] = {
		{ "typedef int a;", "a", USED | OWN },
		{ "typedef int a;", "int", USED },
		{ "typedef struct b a;", "b", USED | TAG },
		{ "typedef struct b a;", "a", USED | OWN },
		{ "typedef struct b { int c; } a, *d;", "c", USED },
		{ "typedef struct b { int c; } a, *d;", "a", USED | OWN },
		{ "typedef struct b { int c; } a, *d;", "d", USED | OWN },
		{ "typedef char a[SIZE];", "a", USED | OWN },
		{ "typedef char a[SIZE];", "SIZE", USED },
		{ "typedef int (*a)(void *b, int c);", "a", USED | OWN },
		{ "typedef int (*a)(void *b, int c);", "b", USED },
		{ "typedef int a __attribute__((aligned(8)));", "a", USED | OWN },
		{ "typedef typedef int a;", "a", USED | OWN },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct ebs_tokens tokens = collect_text(all[i].text);

		expect(&tokens, all[i].name, all[i].flags);
		ebs_tokens_free(&tokens);
	}
}

static void defines(void **state)
{
	static const char *const list[] = { "SIZE=struct a", "FLAG", "CALL(x)=x->b", NULL };
	struct ebs_tokens tokens =
		collect((struct ebs_c_source){ .text = "int x;", .defines = list });

	expect(&tokens, "SIZE", USED | OWN);
	expect(&tokens, "FLAG", USED | OWN);
	expect(&tokens, "CALL", USED | OWN);
	expect(&tokens, "a", USED | TAG);
	expect(&tokens, "b", USED);
	ebs_tokens_free(&tokens);
}

struct folder {
	char path[64];
	char first[128], second[128];
};

static void write_file(const struct folder *folder, const char *name, const char *text)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", folder->path, name) > 0);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(path);
}

static int make_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	strcpy(folder->path, "/tmp/ebs-tokens-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	snprintf(folder->first, sizeof(folder->first), "%s/first", folder->path);
	snprintf(folder->second, sizeof(folder->second), "%s/second", folder->path);
	assert_int_equal(mkdir(folder->first, 0700), 0);
	assert_int_equal(mkdir(folder->second, 0700), 0);
	*state = folder;
	return 0;
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;
	static const char *const names[] = { "here.h",         "first/both.h",
					     "second/both.h",  "second/here.h",
					     "first/beside.h", "first/nested.h",
					     "first/pipe.h",   "first/bpf_helper_defs.h" };
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder->path, names[i]);
		unlink(path);
	}
	rmdir(folder->first);
	rmdir(folder->second);
	rmdir(folder->path);
	free(folder);
	return 0;
}

static struct ebs_tokens collect_with(const struct folder *folder, const char *text)
{
	const char *const dirs[] = { folder->first, folder->second, NULL };

	return collect((struct ebs_c_source){
		.text = text, .directory = folder->path, .include_dirs = dirs });
}

static void includes(void **state)
{
	const struct folder *folder = *state;

	write_file(folder, "here.h", "struct from_here;");
	write_file(folder, "second/here.h", "struct from_second;");
	write_file(folder, "first/both.h",
		   "first_both;\n#include \"beside.h\"\n#include \"here.h\"");
	write_file(folder, "second/both.h", "second_both;");
	write_file(folder, "first/beside.h", "beside; \n#include \"both.h\"\n#include <nested.h>");
	write_file(folder, "first/nested.h", "union nested { int x; };");
	write_file(folder, "first/bpf_helper_defs.h", "too_many;");

	struct ebs_tokens tokens = collect_with(folder, "#include \"here.h\"\n");
	expect(&tokens, "from_here", USED | TAG);
	expect(&tokens, "from_second", NONE);
	ebs_tokens_free(&tokens);

	tokens = collect_with(folder, "  #  include <here.h> // comment\n");
	expect(&tokens, "from_here", NONE);
	expect(&tokens, "from_second", USED | TAG);
	ebs_tokens_free(&tokens);

	tokens = collect_with(folder, "#include <both.h>\n#include <bpf_helper_defs.h>");
	expect(&tokens, "first_both", USED);
	expect(&tokens, "second_both", NONE);
	expect(&tokens, "beside", USED);
	expect(&tokens, "nested", USED | TAG | OWN_TAG);
	expect(&tokens, "from_here", USED | TAG); // not beside it, but in the C's own folder
	expect(&tokens, "too_many", NONE);
	ebs_tokens_free(&tokens);

	tokens = collect_with(folder, "#include \"missing.h\"\n#include <stdio.h>\n"
				      "#include \"first\"\n#include \"unfinished.h\nint a;");
	expect(&tokens, "a", USED);
	expect(&tokens, "FILE", NONE);
	ebs_tokens_free(&tokens);

	char text[256], path[256];
	snprintf(path, sizeof(path), "%s/pipe.h", folder->first);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(text, sizeof(text), "#include \"%s/nested.h\"\n#include <pipe.h>", folder->first);
	tokens = collect_with(folder, text);
	expect(&tokens, "nested", USED | TAG | OWN_TAG);
	ebs_tokens_free(&tokens);
}

static bool has_text(const struct ebs_c_files *files, const char *text)
{
	for (size_t i = 0; i < files->count; i++)
		if (files->list[i].size == strlen(text) &&
		    memcmp(files->list[i].text, text, strlen(text)) == 0)
			return true;
	return false;
}

// What tells whether a file has changed: every file that the names come from is among them.
static void files_alone(void **state)
{
	const struct folder *folder = *state;
	const char *const dirs[] = { folder->first, folder->second, NULL };
	const char *here = "here;\n#include \"both.h\"";
	const char *both = "both;\n#include \"beside.h\"";
	const char *text = "#define TWO 2 // #include <nested.h>\n"
			   "/* */ # \\\n include \"here.h\"\n"
			   "#if 1\n#include <both.h>\n#endif\n"
			   "#include <bpf_helper_defs.h>\n#include \"vmlinux.h\"\n#include TWO\n";
	struct ebs_c_source source = {
		.text = text, .size = strlen(text), .directory = folder->path, .include_dirs = dirs
	};
	struct ebs_c_files files = { 0 };

	write_file(folder, "here.h", here);
	write_file(folder, "first/both.h", both);
	write_file(folder, "first/beside.h", "beside;");
	write_file(folder, "first/nested.h", "nested;");
	write_file(folder, "first/bpf_helper_defs.h", "long;");

	assert_int_equal(ebs_tokens_find_files(&files, &source), 0);
	assert_int_equal(files.count, 6);                    // the text itself is one
	assert_false(ebs_tokens_found_all(&files, &source)); // #include TWO
	assert_true(has_text(&files, here));
	assert_true(has_text(&files, both));
	assert_true(has_text(&files, "beside;"));
	assert_true(has_text(&files, "nested;")); // only a comment includes it: harmless
	assert_false(has_text(&files, "long;"));  // its size and date instead
	char *dated = strndup(files.list[4].text, files.list[4].size);
	assert_true(strncmp(dated, "5 ", 2) == 0);
	ebs_c_files_free(&files);

	write_file(folder, "first/bpf_helper_defs.h", "longer;");
	assert_int_equal(ebs_tokens_find_files(&files, &source), 0);
	assert_int_equal(files.count, 6);
	assert_false(has_text(&files, dated));
	ebs_c_files_free(&files);
	free(dated);
}

// Whether those are all that a compile depends on.
static void files_unsure(void **state)
{
	static const struct {
		const char *text;
		const char *define;
		bool all;
	} cases[] = {
		{ "#define ONE 1\n#if ONE\nint x;\n#endif // embed include\n", NULL, true },
		{ "#include FILE\n", NULL, false },
		{ "# \tinclude FILE\n", NULL, false },
		{ "#/* */include FILE\n", NULL, false },
		{ "#import FILE\n", NULL, false },
		{ "#include_next <a.h>\n", NULL, false },
		{ "# embed \"a\"\n", NULL, false },
		{ "#if __has_include(\"a.h\")\n#endif\n", NULL, false },
		{ "#if __has_\\\ninclude(\"a.h\")\n#endif\n", NULL, false },
		{ "asm(\".incbin 'a'\");\n", NULL, false },
		{ "#if A\n#endif\n", "A=1", true },
		{ "#if A\n#endif\n", "A=__has_include(<a.h>)", false },
		{ "", NULL, true },
		{ "#", NULL, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const defines[] = { cases[i].define, NULL };
		struct ebs_c_source source = { .text = cases[i].text,
					       .size = strlen(cases[i].text),
					       .defines = defines };
		struct ebs_c_files files = { 0 };

		assert_int_equal(ebs_tokens_find_files(&files, &source), 0);
		if (ebs_tokens_found_all(&files, &source) != cases[i].all)
			fail_msg("%s", cases[i].text);
		ebs_c_files_free(&files);
	}
}

static void kernel_types(void **state)
{
	static const struct {
		const char *text;
		bool asks;
	} all[] = {
		{ "#include \"vmlinux.h\"\n", true },
		{ "#include <vmlinux.h>\n", true },
		{ "#include <arch/vmlinux.h>\n", true },
		{ "#define FILE <vmlinux.h>\n#include FILE\n", true },
		{ "#if __has_include(\"vmlinux.h\")\n#endif\n", true },
		{ "#include <linux/bpf.h>\n", false },
		{ "#include \"not_vmlinux.h\"\n", false },
		{ "// #include \"vmlinux.h\"\n", false },
		{ "struct task_struct *task;", false },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct ebs_tokens tokens = collect_text(all[i].text);

		if (tokens.asks_for_kernel_types != all[i].asks)
			fail_msg("%s", all[i].text);
		ebs_tokens_free(&tokens);
	}
}

// Line markers say which part of the text is of the machine's headers: these only define.
static void preprocessed(void **state)
{
	static const char text[] =
		"# 1 \"<built-in>\" 3\n#define __bpf__ 1\n"
		"# 1 \"tool.c\"\n"
		"#define LIMIT used_in_macro {\n"
		"# 1 \"/usr/include/linux/a.h\" 1 3\n"
		"struct in_header { int a; }; typedef int header_t;\n"
		"struct only_used *header_function(void);\n"
		"# 1 \"/usr/include/asm/inner.h\" 1 3\n"
		"# 3 \"/usr/include/linux/a.h\" 2 3\n"
		"# 9 \"tool.c\" 2\n"
		"# 1 \"/x/bpf/bpf_helper_defs.h\" 1\n"
		"static struct result *(*bpf_used)(struct argument *a) = 1;\n"
		"static struct other *(*bpf_unused)(struct argument *a) = 2;\n"
		"# 10 \"tool.c\" 2\n"
		"int variable = initial, second[size];\n"
		"extern int sort(bool (less)(int), __u64 *);\n"
		"static type_q (*pointer)(void);\n"
		"extern const word_t (*other_pointer)(word_t);\n"
		"static int own(struct tag *p, type_t q) { return called(1) + bpf_used(p); }\n";
	static const char *const folders[] = { "/usr", "/usr/include", "/usr/include/linux-gnu",
					       NULL };
	struct ebs_tokens tokens = collect((struct ebs_c_source){
		.text = text, .preprocessed = true, .system_dirs = folders });
	static const struct {
		const char *name;
		uint32_t flags;
	} all[] = {
		{ "__bpf__", EBS_NAME_MACRO },
		{ "LIMIT", USED | EBS_NAME_MACRO },
		{ "used_in_macro", NONE },
		{ "in_header", OWN_TAG },
		{ "header_t", OWN },
		{ "only_used", NONE },
		{ "header_function", OWN },
		{ "result", USED | TAG },
		{ "other", NONE },
		{ "argument", NONE },
		{ "bpf_used", USED | OWN | EBS_NAME_CALLED },
		{ "bpf_unused", NONE },
		{ "variable", USED | OWN },
		{ "initial", USED },
		{ "second", USED | OWN },
		{ "size", USED },
		{ "own", USED | OWN },
		{ "tag", USED | TAG },
		{ "type_t", USED },
		{ "sort", USED | OWN },
		{ "bool", USED },
		{ "type_q", USED },
		{ "word_t", USED },
		{ "called", USED | EBS_NAME_CALLED },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		expect(&tokens, all[i].name, all[i].flags);
	assert_string_equal(tokens.system_includes.data, "#include <linux/a.h>\n");
	ebs_tokens_free(&tokens);
}

// Headers of the machine, and what only a preprocessor knows.
static void unsure(void **state)
{
	static const char *const folders[] = { "/nowhere", "/usr/include", NULL };
	static const struct {
		const char *text;
		bool unsure;
	} all[] = {
		{ "#include <stdint.h>\n", true },
		{ "#include \"stdint.h\"\n", true },
		{ "#include <no/such.h>\n", false },
		{ "#include FILE\n", true },
		{ "#if __has_include(<a.h>)\n", true },
		{ "#include \"vmlinux.h\"\n", false },
		{ "int stdint;\n", false },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct ebs_tokens tokens = collect(
			(struct ebs_c_source){ .text = all[i].text, .system_dirs = folders });

		if (tokens.is_unsure != all[i].unsure)
			fail_msg("%s", all[i].text);
		ebs_tokens_free(&tokens);
	}
}

// What is declared behind extern, and not what its type is called.
static void functions(void **state)
{
	static const struct expectation all[] = {
		{ "extern int f(void);", "f", USED | OWN },
		{ "extern struct x *f(void) __ksym;", "f", USED | OWN },
		{ "extern int f(a_t (g)(b_t));", "a_t", USED },
		{ "extern int f(a_t (g)(b_t));", "g", USED },
		{ "extern a_t (*f)(b_t);", "a_t", USED },
		{ "extern const a_t (*f)(b_t);", "a_t", USED },
		{ "extern int a __attribute__((x(y)));", "x", USED },
		{ "extern int a; int b(void);", "b", USED },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct ebs_tokens tokens = collect_text(all[i].text);

		expect(&tokens, all[i].name, all[i].flags);
		ebs_tokens_free(&tokens);
	}
}

static void many(void **state)
{
	struct ebs_buffer text = { 0 };
	char name[32];

	for (int i = 0; i < 20000; i++)
		ebs_buffer_printf(&text, "struct name_%d value_%d;\n", i, i % 7000);
	struct ebs_tokens tokens = collect_text(text.data);
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "name_%d", i);
		expect(&tokens, name, USED | TAG);
		snprintf(name, sizeof(name), "value_%d", i);
		expect(&tokens, name, i < 7000 ? USED : NONE);
	}
	ebs_tokens_free(&tokens);
	ebs_buffer_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(tags),
		cmocka_unit_test(typedefs),
		cmocka_unit_test(defines),
		cmocka_unit_test_setup_teardown(includes, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(files_alone, make_folder, remove_folder),
		cmocka_unit_test(files_unsure),
		cmocka_unit_test(kernel_types),
		cmocka_unit_test(preprocessed),
		cmocka_unit_test(unsure),
		cmocka_unit_test(functions),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
