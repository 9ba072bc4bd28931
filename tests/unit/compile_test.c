// SPDX-License-Identifier: GPL-2.0-only
// The compiler: objects, messages, where #include looks, and a parent that survives it all.
#include "compile_fixture.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/buffer.h"

// A program that reads through a relocation, which is what LLVM survives once in a process.
#define CORE_PROGRAM                                                                  \
	"#include \"vmlinux.h\"\n"                                                    \
	"#include <bpf/bpf_helpers.h>\n"                                              \
	"#include <bpf/bpf_core_read.h>\n"                                            \
	"long last;\n"                                                                \
	"SEC(\"tp_btf/sched_process_exec\") int on_exec(struct task_struct **args)\n" \
	"{\n"                                                                         \
	"last = BPF_CORE_READ(args[0], real_parent, tgid);\n"                         \
	"return 0;\n"                                                                 \
	"}\n"

// Compiles what must not compile; returns the error, which the caller clears.
static struct ebs_error refuse_input(const struct ebs_compile_input *input)
{
	struct ebs_compile_output output;
	struct ebs_error error = { 0 };

	assert_true(ebs_compile(input, &output, &error) < 0);
	assert_null(output.object);
	assert_true(ebs_error_is_set(&error));
	ebs_compile_output_free(&output);
	return error;
}

static void expect_refusal(const struct ebs_compile_input *input, const char *code,
			   const char *text)
{
	struct ebs_error error = refuse_input(input);

	if (strcmp(error.code, code) || !strstr(ebs_error_text(&error), text))
		fail_msg("wanted %s with \"%s\", got %s: %s", code, text, error.code,
			 ebs_error_text(&error));
	ebs_error_clear(&error);
}

static void expect_messages(const struct ebs_compile_input *input, const char *text)
{
	struct ebs_compile_output output = compile_input(input);

	if (!text)
		assert_null(output.messages);
	else if (!output.messages || !strstr(output.messages, text))
		fail_msg("wanted \"%s\" in: %s", text,
			 output.messages ? output.messages : "(nothing)");
	ebs_compile_output_free(&output);
}

static void expect_silence(const struct ebs_compile_input *input)
{
	expect_messages(input, NULL);
}

struct section {
	const char *data;
	size_t size;
};

// A section of the object; { NULL, 0 } when it isn't there.
static struct section find_section(const struct ebs_compile_output *output, const char *name)
{
	const Elf64_Ehdr *header = (const void *)output->object;
	const Elf64_Shdr *sections = (const void *)(output->object + header->e_shoff);
	const char *names = output->object + sections[header->e_shstrndx].sh_offset;

	for (int i = 0; i < header->e_shnum; i++)
		if (strcmp(names + sections[i].sh_name, name) == 0)
			return (struct section){ output->object + sections[i].sh_offset,
						 sections[i].sh_size };
	return (struct section){ 0 };
}

// A folder for the files of one test.
struct folder {
	char path[64];
};

static struct folder make_folder(void)
{
	struct folder folder = { "/tmp/ebscript-compile-XXXXXX" };

	assert_non_null(mkdtemp(folder.path));
	return folder;
}

static void put_file(const struct folder *folder, const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void remove_folder(const struct folder *folder, const char *const *files)
{
	for (; *files; files++) {
		char path[PATH_MAX];
		snprintf(path, sizeof(path), "%s/%s", folder->path, *files);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(folder->path), 0);
}

static void test_object(void **state)
{
	struct ebs_compile_input input = input_of(CORE_PROGRAM);
	struct ebs_compile_output output = compile_input(&input);
	const Elf64_Ehdr *header = (const void *)output.object;

	assert_true(output.object_size > sizeof(*header));
	assert_memory_equal(header->e_ident, ELFMAG, SELFMAG);
	assert_int_equal(header->e_machine, EM_BPF);
	assert_true(find_section(&output, "tp_btf/sched_process_exec").size > 0);
	assert_true(find_section(&output, ".BTF").size > 0);
	assert_true(find_section(&output, ".BTF.ext").size > 0);
	assert_null(find_section(&output, ".debug_info").data);
	assert_null(output.messages);
	ebs_compile_output_free(&output);
}

// The verifier's log shows these.
static void test_source_lines_in_btf(void **state)
{
	struct ebs_compile_input input = input_of(CORE_PROGRAM);
	struct ebs_compile_output output = compile_input(&input);
	struct section btf = find_section(&output, ".BTF");

	assert_non_null(memmem(btf.data, btf.size, "last = BPF_CORE_READ", 20));
	assert_non_null(memmem(btf.data, btf.size, "./test.bpf.c", 13));
	ebs_compile_output_free(&output);
}

static void test_error_text(void **state)
{
	struct ebs_compile_input input = input_of("int ok;\n\nint f(void) { return missing; }\n");

	struct ebs_error error = refuse_input(&input);
	const char *text = ebs_error_text(&error);
	const char *first = "test.bpf.c:3:22: error: use of undeclared identifier 'missing'\n";

	assert_string_equal(error.code, "COMPILE");
	assert_int_equal(strncmp(text, first, strlen(first)), 0);
	// Newer clangs have the line's number before it.
	assert_non_null(strstr(text, "int f(void) { return missing; }\n"));
	assert_non_null(strstr(text, "                     ^"));
	ebs_error_clear(&error);
}

static void test_error_text_ends_clean(void **state)
{
	struct ebs_compile_input input = input_of("int f(void) { return missing; }\n");
	struct ebs_error error = refuse_input(&input);
	const char *text = ebs_error_text(&error);

	assert_int_equal(strncmp(text, "test.bpf.c:1:22: ", 17), 0);
	assert_int_not_equal(text[strlen(text) - 1], '\n');
	assert_null(strstr(text, "generated"));
	assert_null(strchr(text, '\033'));
	ebs_error_clear(&error);
}

static void test_name_in_messages(void **state)
{
	static const char *const names[] = { "tool.lua", "some/where else/tool.lua",
					     "/abs/tool.lua", "stdin", "(command line)" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct ebs_compile_input input = input_of("\nint x = y;\n");
		char wanted[64];

		input.name = names[i];
		snprintf(wanted, sizeof(wanted), "%s:2:9: error: ", names[i]);
		struct ebs_error error = refuse_input(&input);
		assert_int_equal(strncmp(ebs_error_text(&error), wanted, strlen(wanted)), 0);
		ebs_error_clear(&error);
	}
}

static void test_name_with_a_dash(void **state)
{
	struct ebs_compile_input input = input_of("\nint x = y;\n");

	input.name = "-";
	expect_refusal(&input, "COMPILE", "./-:2:9: error: ");
	input.name = "-O0";
	expect_refusal(&input, "COMPILE", "./-O0:2:9: error: ");
}

static void test_colour(void **state)
{
	struct ebs_compile_input input = input_of("int x = y;\n");

	input.colour = true;
	expect_refusal(&input, "COMPILE", "\033[");
}

// From the code generator, which knows only what debug information says about places.
static void test_error_of_the_back_end(void **state)
{
	struct ebs_compile_input input = input_of(
		"\n\nvoid use(void *);\n"
		"int f(void) { char big[1024]; asm volatile(\"\" :: \"r\"(big) : \"memory\");\n"
		"return big[7]; }\n");
	struct ebs_error error;

	input.name = "some/where/tool.lua";
	error = refuse_input(&input);
	assert_string_equal(error.code, "COMPILE");
	assert_non_null(strstr(ebs_error_text(&error), "some/where/tool.lua:4:"));
	assert_null(strstr(ebs_error_text(&error), "could not determine"));
	ebs_error_clear(&error);
}

// Newer majors have a message of their own for it; older ones end the process. All tell the place.
static void test_signed_division(void **state)
{
	struct ebs_compile_input input = input_of("int f(int a, int b) { return a / b; }\n"
						  "int g(long a) { return a % 7; }\n");

	input.name = "some/where else/tool.lua";
	struct ebs_error error = refuse_input(&input);
	const char *text = ebs_error_text(&error);
	const char *first = "some/where else/tool.lua:1:32: error: unsupported signed division";

	assert_string_equal(error.code, "COMPILE");
	if (strncmp(text, first, strlen(first)))
		fail_msg("%s", text);
	assert_null(strstr(text, "CopyFromReg 0x"));
	assert_null(strstr(text, "0x"));
	ebs_error_clear(&error);
}

// Ends the process in every major.
static void test_operation_without_instruction(void **state)
{
	struct folder folder = make_folder();
	struct ebs_compile_input input = input_of(
		"#include \"own.h\"\nint f(int *a) { return __sync_fetch_and_nand(a, 1); }\n");

	put_file(&folder, "own.h",
		 "static inline int max(int *a) { return __sync_fetch_and_max(a, 1); }\n"
		 "static inline int inner(int *a) { return max(a); }\n");
	input.directory = folder.path;
	expect_refusal(&input, "COMPILE",
		       "test.bpf.c:2:24: error: BPF has no instruction for this (AtomicLoadNand)");
	input.source = "#include \"own.h\"\nint f(int *a) { return inner(a); }\n";
	input.size = strlen(input.source);
	input.name = "with a space.lua";
	expect_refusal(&input, "COMPILE",
		       "own.h:1:40: error: BPF has no instruction for this (AtomicLoadMax)\n");
	expect_refusal(&input, "COMPILE", "own.h:2:42: note: called from here\n");
	expect_refusal(&input, "COMPILE", "\nwith a space.lua:2:24: note: called from here");
	input.source =
		"#line 40 \"tool.lua\"\nint f(int *a) { return __sync_fetch_and_max(a, 1); }\n";
	input.size = strlen(input.source);
	expect_refusal(&input, "COMPILE", "tool.lua:40:24: error: ");
	remove_folder(&folder, (const char *const[]){ "own.h", NULL });
}

static void test_warning(void **state)
{
	struct ebs_compile_input input =
		input_of("int f(void)\n{\n\tint unused;\n\treturn 0;\n}\n");

	expect_messages(&input, "test.bpf.c:3:6: warning: unused variable 'unused'");
}

static void test_no_noise(void **state)
{
	struct ebs_compile_input input = input_of(
		CORE_PROGRAM "struct base { u32 pid; };\n"
			     "struct event { struct base; u8 text[16]; } __attribute__((packed));\n"
			     "static int helper(struct event *e) { return e->pid; }\n"
			     "int takes(const char *);\n"
			     "static __always_inline int first(char *c) { return *c; }\n"
			     "int f(struct event *e) { return first(e->text); }\n"
			     "int g(void *end, char *data) { return data > end; }\n");

	expect_silence(&input);
}

static void test_many_errors(void **state)
{
	struct ebs_buffer text = { 0 };

	for (int i = 0; i < 100; i++)
		ebs_buffer_printf(&text, "y%d x%d;\n", i, i);
	struct ebs_compile_input input = input_of(text.data);
	struct ebs_error error = refuse_input(&input);
	assert_non_null(strstr(ebs_error_text(&error), "y19"));
	assert_null(strstr(ebs_error_text(&error), "y20"));
	assert_non_null(strstr(ebs_error_text(&error), "too many errors"));
	ebs_error_clear(&error);
	ebs_buffer_free(&text);
}

static void test_huge_messages(void **state)
{
	struct ebs_buffer text = { 0 };

	for (int i = 0; i < 100000; i++)
		ebs_buffer_printf(&text, "#warning number %d\n", i);
	struct ebs_compile_input input = input_of(text.data);
	struct ebs_compile_output output = compile_input(&input);
	assert_non_null(output.messages);
	assert_true(strlen(output.messages) > 5000000);
	assert_non_null(strstr(output.messages, "number 99999"));
	ebs_compile_output_free(&output);
	ebs_buffer_free(&text);
}

static void test_huge_object(void **state)
{
	struct ebs_compile_input input = input_of("char data[20 << 20] = { 1 };\n");
	struct ebs_compile_output output = compile_input(&input);

	assert_true(output.object_size > 20 << 20);
	ebs_compile_output_free(&output);
}

static void test_source_without_nul(void **state)
{
	static const char source[] = "int x = 1;\nthis is not part of it";
	struct ebs_compile_input input = input_of(source);

	input.size = strlen("int x = 1;\n");
	expect_silence(&input);
}

static void test_verbose(void **state)
{
	struct ebs_compile_input input = input_of("int x = 1;\n");

	input.verbose = true;
	expect_messages(&input, "clang -cc1 -triple bpf -emit-obj ");
	input = input_of("int x = y;\n");
	input.verbose = true;
	expect_refusal(&input, "COMPILE", " test.bpf.c\ntest.bpf.c:1:9: error: ");
}

static void test_defines(void **state)
{
	static const char *const defines[] = { "SIZE=64", "NAME=\"a b\"", "FLAG", NULL };
	struct ebs_compile_input input = input_of("_Static_assert(SIZE == 64, \"\");\n"
						  "_Static_assert(sizeof(NAME) == 4, \"\");\n"
						  "_Static_assert(FLAG == 1, \"\");\n"
						  "#ifndef __bpf__\n#error not for BPF\n#endif\n");

	input.defines = defines;
	expect_silence(&input);
}

static void test_target_architecture(void **state)
{
	struct ebs_compile_input input =
		input_of("#include \"vmlinux.h\"\n"
			 "#include <bpf/bpf_tracing.h>\n"
			 "#ifndef bpf_target_defined\n#error no target\n#endif\n");

	expect_silence(&input);
}

static void test_includes(void **state)
{
	struct folder script = make_folder(), first = make_folder(), second = make_folder();
	const char *const dirs[] = { first.path, second.path, NULL };
	struct ebs_compile_input input = input_of("#include \"own.h\"\n"
						  "#include \"both.h\"\n"
						  "#include <other.h>\n"
						  "_Static_assert(OWN == 1, \"\");\n"
						  "_Static_assert(OTHER == 2, \"\");\n"
						  "_Static_assert(BOTH == 3, \"\");\n");

	put_file(&script, "own.h", "#define OWN 1\n");
	put_file(&script, "other.h", "#define OTHER 0\n"); // <> doesn't look beside the script
	put_file(&first, "both.h", "#define BOTH 3\n");
	put_file(&second, "both.h", "#define BOTH 0\n");
	put_file(&second, "other.h", "#define OTHER 2\n");
	input.directory = script.path;
	input.include_dirs = dirs;
	expect_silence(&input);

	remove_folder(&script, (const char *const[]){ "own.h", "other.h", NULL });
	remove_folder(&first, (const char *const[]){ "both.h", NULL });
	remove_folder(&second, (const char *const[]){ "both.h", "other.h", NULL });
}

// The folder of the name that messages show isn't where headers come from.
static void test_include_beside_the_shown_name(void **state)
{
	struct folder work = make_folder(), script = make_folder();
	struct ebs_compile_input input =
		input_of("#include \"own.h\"\n_Static_assert(OWN == 1, \"\");\n");
	char *before = get_current_dir_name();

	put_file(&work, "own.h", "#define OWN 0\n");
	put_file(&script, "own.h", "#define OWN 1\n");
	assert_int_equal(chdir(work.path), 0);
	input.name = "tool.lua";
	input.directory = script.path;
	expect_silence(&input);
	input.directory = NULL;
	expect_refusal(&input, "COMPILE", "'own.h' file not found");
	input.directory = ".";
	expect_refusal(&input, "COMPILE", "tool.lua:2:");

	assert_int_equal(chdir(before), 0);
	free(before);
	remove_folder(&work, (const char *const[]){ "own.h", NULL });
	remove_folder(&script, (const char *const[]){ "own.h", NULL });
}

static void test_relative_folders(void **state)
{
	struct folder work = make_folder();
	static const char *const dirs[] = { ".", "nowhere", NULL };
	struct ebs_compile_input input =
		input_of("#include <own.h>\n#include \"own.h\"\nint x = OWN;\n");
	char *before = get_current_dir_name();

	put_file(&work, "own.h", "#define OWN 1\n");
	assert_int_equal(chdir(work.path), 0);
	input.include_dirs = dirs;
	input.directory = "/tmp";
	expect_silence(&input);

	assert_int_equal(chdir(before), 0);
	free(before);
	remove_folder(&work, (const char *const[]){ "own.h", NULL });
}

static void test_removed_working_folder(void **state)
{
	struct folder work = make_folder();
	struct ebs_compile_input input = input_of(CORE_PROGRAM);
	char *before = get_current_dir_name();

	assert_int_equal(chdir(work.path), 0);
	remove_folder(&work, (const char *const[]){ NULL });
	expect_silence(&input);
	assert_int_equal(chdir(before), 0);
	free(before);
}

static void test_system_includes(void **state)
{
	struct ebs_compile_input input = input_of("#include <stddef.h>\n"
						  "#include <stdbool.h>\n"
						  "#include <linux/bpf.h>\n"
						  "size_t size = BPF_MAP_TYPE_RINGBUF;\n");

	input.kernel_types = NULL;
	expect_silence(&input);
}

static void test_missing_include(void **state)
{
	struct ebs_compile_input input = input_of("#include \"nowhere.h\"\n");

	expect_refusal(&input, "COMPILE",
		       "test.bpf.c:1:10: fatal error: 'nowhere.h' file not found");
}

static void test_unknown_type(void **state)
{
	struct ebs_compile_input input =
		input_of("#include \"vmlinux.h\"\nint f(struct no_such *p) { return p->x; }\n");

	expect_refusal(&input, "COMPILE", "test.bpf.c:2:");
	expect_refusal(&input, "COMPILE", "incomplete");
}

// The kernel's types are always the ones that were given, whatever lies on the disk.
static void test_vmlinux_of_others(void **state)
{
	struct folder script = make_folder(), include = make_folder();
	const char *const dirs[] = { include.path, NULL };
	struct ebs_compile_input input = input_of("#include \"other.h\"\n"
						  "#include \"vmlinux.h\"\n"
						  "#include <vmlinux.h>\n"
						  "u64 x;\n");

	put_file(&script, "vmlinux.h", "#error not this one\n");
	put_file(&include, "vmlinux.h", "#error nor this one\n");
	put_file(&include, "other.h", "#include \"vmlinux.h\"\n");
	input.directory = script.path;
	input.include_dirs = dirs;
	expect_silence(&input);

	remove_folder(&script, (const char *const[]){ "vmlinux.h", NULL });
	remove_folder(&include, (const char *const[]){ "vmlinux.h", "other.h", NULL });
}

static void test_licence_added(void **state)
{
	struct ebs_compile_input input = input_of(CORE_PROGRAM);
	struct ebs_compile_output output = compile_input(&input);
	struct section licence = find_section(&output, "license");

	assert_int_equal(licence.size, 4);
	assert_string_equal(licence.data, "GPL");
	struct bpf_object *object = bpf_object__open_mem(output.object, output.object_size, NULL);
	assert_non_null(object);
	bpf_object__close(object);
	ebs_compile_output_free(&output);
}

static void test_licence_kept(void **state)
{
	struct ebs_compile_input input =
		input_of(CORE_PROGRAM "char mine[] SEC(\"license\") = \"Dual MIT/GPL\";\n");
	struct ebs_compile_output output = compile_input(&input);
	struct section licence = find_section(&output, "license");

	assert_int_equal(licence.size, sizeof("Dual MIT/GPL"));
	assert_string_equal(licence.data, "Dual MIT/GPL");
	ebs_compile_output_free(&output);
}

// Nothing but the licence itself differs: not the instructions, not a type.
static void test_licence_changes_nothing(void **state)
{
	struct ebs_compile_input input = input_of(CORE_PROGRAM);
	struct ebs_compile_output without = compile_input(&input);
	input = input_of(CORE_PROGRAM "char mine[] SEC(\"license\") = \"GPL\";\n");
	struct ebs_compile_output with = compile_input(&input);
	struct section first = find_section(&without, "tp_btf/sched_process_exec");
	struct section second = find_section(&with, "tp_btf/sched_process_exec");

	assert_int_equal(first.size, second.size);
	assert_memory_equal(first.data, second.data, first.size);
	struct section btf = find_section(&without, ".BTF");
	assert_null(memmem(btf.data, btf.size, "license", 7));
	ebs_compile_output_free(&without);
	ebs_compile_output_free(&with);
}

static void test_two_in_one_process(void **state)
{
	struct ebs_compile_input input = input_of(CORE_PROGRAM);
	struct ebs_compile_output first = compile_input(&input);
	struct ebs_compile_output second = compile_input(&input);

	assert_int_equal(first.object_size, second.object_size);
	assert_memory_equal(first.object, second.object, first.object_size);
	ebs_compile_output_free(&first);
	ebs_compile_output_free(&second);
}

// What a compile must leave as it was.
static void expect_whole_parent(void)
{
	ebs_compile_reap();
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	struct ebs_compile_input input = input_of(CORE_PROGRAM);
	expect_silence(&input);
}

static void test_fatal_error_in_llvm(void **state)
{
	struct ebs_compile_input input = input_of("#pragma clang __debug llvm_fatal_error\n");
	struct ebs_error error = refuse_input(&input);

	assert_string_equal(error.code, "COMPILER");
	assert_non_null(strstr(ebs_error_text(&error), "LLVM ERROR: #pragma clang __debug"));
	assert_null(strstr(ebs_error_text(&error), "PLEASE submit"));
	assert_null(strstr(ebs_error_text(&error), "Stack dump"));
	ebs_error_clear(&error);
	expect_whole_parent();
}

static void test_crash(void **state)
{
	struct ebs_compile_input input = input_of("#pragma clang __debug crash\n");

	expect_refusal(&input, "COMPILER", "the compiler was killed by signal ");
	expect_whole_parent();
}

// What clang had said by then is still there.
static void test_crash_behind_messages(void **state)
{
	struct ebs_compile_input input = input_of("int x = y;\n#pragma clang __debug crash\n");

	expect_refusal(&input, "COMPILE", "test.bpf.c:1:9: error: use of undeclared");
	expect_refusal(&input, "COMPILE", "\nnote: then the compiler was killed by signal ");
	input = input_of("#warning old\n#pragma clang __debug llvm_fatal_error\n");
	expect_refusal(&input, "COMPILER", "test.bpf.c:1:2: warning: old");
	expect_refusal(&input, "COMPILER",
		       "\nthe compiler was killed by signal 6 (Aborted) at test.bpf.c:2:2: ");
}

// The compiler calls itself for each level of nesting.
static void test_deep_nesting(void **state)
{
	struct ebs_buffer text = { 0 };

	for (int levels = 2000; levels <= 200000; levels *= 100) {
		ebs_buffer_clear(&text);
		ebs_buffer_append_string(&text, "int x;\nint f(int a) { return ");
		for (int i = 0; i < levels; i++)
			ebs_buffer_append_string(&text, "- ");
		ebs_buffer_append_string(&text, "a; }\n");
		struct ebs_compile_input input = input_of(text.data);
		if (levels == 2000)
			expect_silence(&input);
		else
			expect_refusal(&input, "COMPILER", ") at test.bpf.c:2:");
	}
	ebs_buffer_free(&text);
}

// Declarations that an error left broken never reach the code generator, which expects none.
static void test_no_code_behind_errors(void **state)
{
	struct ebs_compile_input input =
		input_of("struct holder { struct unknown x __attribute__((aligned(SIZE))); }\n"
			 "unsigned long f(holder __tag *p, int c);\n"
			 "int g(void) { unsigned long x; x = f(a, b, c); return x; }\n");

	struct ebs_error error = refuse_input(&input);
	assert_string_equal(error.code, "COMPILE");
	assert_null(strstr(ebs_error_text(&error), "signal"));
	assert_non_null(strstr(ebs_error_text(&error), "test.bpf.c:3:38: error: "));
	ebs_error_clear(&error);
}

// The process's only child, once there is one.
static pid_t wait_for_child_of(pid_t parent)
{
	char path[64];
	int pid = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	while (pid == 0) {
		FILE *file = fopen(path, "r");
		int first, second;
		if (!file)
			_exit(1);
		int count = fscanf(file, "%d %d", &first, &second);
		fclose(file);
		if (count == 2) // this helper and the compiler
			pid = first == getpid() ? second : first;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	return pid;
}

// A condition of 2^39 numbers: clang takes long, and little memory.
#define TWICE(next, last) "#define " #next " " #last " " #last "\n"
#define SLOW_C                                                                                  \
	"#define A 0 + 0 + 0 + 0 + 0 + 0 + 0 + 0 +\n" TWICE(B, A A A A) TWICE(C, B B B B)       \
		TWICE(D, C C C C) TWICE(E, D D D D) TWICE(F, E E E E) TWICE(G, F F F F)         \
			TWICE(H, G G G G) TWICE(I, H H H H) TWICE(J, I I I I) TWICE(K, J J J J) \
				TWICE(L, K K K K) TWICE(M, L L L L) "#if M 0\n#endif\n"

// Compiles slow text until somebody sends it `signal`.
static struct ebs_error interrupt_with(int number, const char *text)
{
	struct ebs_compile_input input = input_of(text);

	ebs_compile_reap();
	pid_t parent = getpid();
	pid_t helper = fork();
	assert_true(helper >= 0);
	if (helper == 0) {
		pid_t compiler = wait_for_child_of(parent);
		sleep(1); // it has reset its signals by then
		_exit(kill(compiler, number) ? 1 : 0);
	}
	struct ebs_error error = refuse_input(&input);
	int status;
	assert_int_equal(waitpid(helper, &status, 0), helper);
	assert_int_equal(status, 0);
	return error;
}

static void on_signal(int number)
{
}

static void test_interrupt(void **state)
{
	struct sigaction handler = { .sa_handler = on_signal }, old;

	// A handler of the host's isn't the child's.
	assert_int_equal(sigaction(SIGINT, &handler, &old), 0);
	struct ebs_error error = interrupt_with(SIGINT, SLOW_C);
	assert_int_equal(sigaction(SIGINT, &old, NULL), 0);
	assert_string_equal(error.code, "EINTR");
	assert_string_equal(ebs_error_text(&error), "interrupted");
	ebs_error_clear(&error);
	expect_whole_parent();
}

static void test_killed(void **state)
{
	struct ebs_error error = interrupt_with(SIGKILL, SLOW_C);

	assert_string_equal(error.code, "COMPILER");
	assert_string_equal(ebs_error_text(&error), "the compiler was killed by signal 9 (Killed)");
	ebs_error_clear(&error);
	error = interrupt_with(SIGKILL, "int x = y;\n" SLOW_C);
	assert_string_equal(error.code, "COMPILE");
	assert_int_equal(strncmp(ebs_error_text(&error), "test.bpf.c:1:9: error: ", 23), 0);
	assert_non_null(strstr(ebs_error_text(&error), "note: then the compiler was killed by "));
	ebs_error_clear(&error);
	expect_whole_parent();
}

static void test_interrupted_system_calls(void **state)
{
	struct sigaction handler = { .sa_handler = on_signal }, old;
	timer_t timer;
	struct itimerspec often = { .it_interval.tv_nsec = 1000000, .it_value.tv_nsec = 1000000 };

	assert_int_equal(sigaction(SIGALRM, &handler, &old), 0); // without SA_RESTART
	assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &often, NULL), 0);
	struct ebs_compile_input input = input_of(CORE_PROGRAM);
	expect_silence(&input);
	assert_int_equal(timer_delete(timer), 0);
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
}

static void test_children_ignored(void **state)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old, left;

	assert_int_equal(sigaction(SIGCHLD, &ignore, &old), 0);
	struct ebs_compile_input input = input_of(CORE_PROGRAM);
	expect_silence(&input);
	assert_int_equal(sigaction(SIGCHLD, &old, &left), 0);
	assert_ptr_equal(left.sa_handler, SIG_IGN);
}

// Numbers 0 to 2 may be free in a host; the child's own files must not end up there by chance.
static void test_without_standard_files(void **state)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct ebs_compile_input input = input_of(CORE_PROGRAM);
		struct ebs_compile_output output;
		close_range(0, 2, 0);
		_exit(ebs_compile(&input, &output, NULL) || !output.object);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int count_files(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_no_file_left_open(void **state)
{
	int before = count_files();
	struct ebs_compile_input input = input_of(CORE_PROGRAM);

	expect_silence(&input);
	input = input_of("int x = y;\n");
	expect_refusal(&input, "COMPILE", "error");
	assert_int_equal(count_files(), before);
}

// Of the compiler that runs here.
static int major_version(void)
{
	char *version = ebs_compile_version(NULL);
	assert_non_null(version);
	const char *number = strstr(version, "clang version ");
	assert_non_null(number);
	int major = atoi(number + strlen("clang version "));
	assert_in_range(major, 14, 99);
	free(version);
	return major;
}

static void test_version(void **state)
{
	struct ebs_error error = { 0 };
	char *version = ebs_compile_version(&error);

	assert_non_null(version);
	assert_non_null(strstr(version, "clang version "));
	assert_int_not_equal(version[strlen(version) - 1], '\n');
	free(version);
}

static void test_lacks_in_version(void **state)
{
	static const struct {
		const char *text;
		int with, without; // the newest major tried that lacks it, the oldest that has it
	} lacks[] = {
		{ "\n  lacks CPU level v4", 16, 19 },
		{ "\n  lacks 64-bit enums in BTF", 14, 15 },
		{ "\n  lacks type tags on ", 14, 15 },
		{ "\n  lacks bpf_core_type_matches()", 14, 15 },
		{ "\n  lacks messages for some errors", 16, 19 },
	};
	int major = major_version();
	char *version = ebs_compile_version(NULL);

	for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++) {
		if (major <= lacks[i].with)
			assert_non_null(strstr(version, lacks[i].text));
		else if (major >= lacks[i].without)
			assert_null(strstr(version, lacks[i].text));
	}
	if (major >= 19)
		assert_null(strchr(version, '\n'));
	free(version);
}

static struct btf *types_of(const struct ebs_compile_output *output)
{
	struct section section = find_section(output, ".BTF");
	struct btf *btf = btf__new(section.data, section.size);

	assert_non_null(btf);
	return btf;
}

#define WIDE_ENUM                        \
	"#include \"vmlinux.h\"\n"       \
	"#include <bpf/bpf_helpers.h>\n" \
	"enum wide { SMALL = 1, LARGE = 0x1234567890abcdULL };\n"

// Of each place in which a value of such an enum would reach a script.
static void test_wide_enum(void **state)
{
	static const struct {
		const char *source;
		const char *place, *variable;
	} cases[] = {
		{ WIDE_ENUM "const volatile enum wide level = SMALL;\n", "4:26", "level" },
		{ WIDE_ENUM "struct { struct { enum wide in[2]; } s; } outer;\n", "4:43", "outer" },
		{ WIDE_ENUM
		  "struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, u32);\n"
		  "__type(value, enum wide); __uint(max_entries, 1); } map SEC(\".maps\");\n",
		  "5:53", "map" },
		{ WIDE_ENUM "struct event { u32 pid; enum wide what; };\n"
			    "struct { __uint(type, BPF_MAP_TYPE_RINGBUF);\n"
			    "__uint(max_entries, 4096); } ring SEC(\".maps\");\n"
			    "SEC(\"xdp\") int on_packet(void *context)\n"
			    "{ struct event e = { 1, LARGE };\n"
			    "bpf_ringbuf_output(&ring, &e, sizeof(e), 0); return 0; }\n",
		  "6:30", "ring" },
	};
	int major = major_version();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ebs_compile_input input = input_of(cases[i].source);
		if (major == 14) {
			char text[160];
			snprintf(text, sizeof(text),
				 "test.bpf.c:%s: error: LLVM 14 cannot write 'enum wide' into the "
				 "BTF of '%s', as its values need 64 bits; LLVM 15 can",
				 cases[i].place, cases[i].variable);
			expect_refusal(&input, "COMPILE", text);
			expect_refusal(&input, "COMPILE",
				       "test.bpf.c:3:6: note: its values are here");
			continue;
		}
		struct ebs_compile_output output = compile_input(&input);
		struct btf *btf = types_of(&output);
		int id = btf__find_by_name_kind(btf, "wide", BTF_KIND_ENUM64);
		assert_true(id > 0);
		const struct btf_enum64 *values = btf_enum64(btf__type_by_id(btf, id));
		assert_int_equal(btf_enum64_value(&values[1]), 0x1234567890abcdULL);
		btf__free(btf);
		ebs_compile_output_free(&output);
	}
}

// Nobody sees these, or sees them right.
static void test_wide_enum_elsewhere(void **state)
{
	struct ebs_compile_input input = input_of(
		WIDE_ENUM
		"enum negative { BELOW = -1, ABOVE = 5 } negative;\n"
		"enum full { ALL = 0xffffffff } full;\n"
		"enum eight { EIGHT = 8 } __attribute__((mode(DI))) eight;\n"
		"struct event { u32 pid; enum wide *what; };\n"
		"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, u32);\n"
		"__type(value, struct event); __uint(max_entries, 1); } map SEC(\".maps\");\n"
		"SEC(\"xdp\") int on_packet(void *context)\n"
		"{ volatile enum wide local = LARGE; return local == SMALL; }\n");

	expect_silence(&input);
}

#define TAG(name) "__attribute__((btf_type_tag(\"" name "\")))"

static bool is_tagged(const struct btf *btf, const char *structure, const char *member)
{
	int id = btf__find_by_name_kind(btf, structure, BTF_KIND_STRUCT);
	assert_true(id > 0);
	const struct btf_type *type = btf__type_by_id(btf, id);

	for (int i = 0; i < btf_vlen(type); i++) {
		if (strcmp(btf__name_by_offset(btf, btf_members(type)[i].name_off), member))
			continue;
		const struct btf_type *target = btf__type_by_id(btf, btf_members(type)[i].type);
		while (btf_is_array(target))
			target = btf__type_by_id(btf, btf_array(target)->type);
		return btf_kind(btf__type_by_id(btf, target->type)) == BTF_KIND_TYPE_TAG;
	}
	fail_msg("no member %s", member);
	return false;
}

static void test_type_tags(void **state)
{
	static const char *const members[] = { "task", "own", "some" };
	static const char *const places[] = { "5:28", "6:52", "7:57" };
	struct ebs_compile_input input =
		input_of("#include \"vmlinux.h\"\n"
			 "#define __tag " TAG("kptr") "\n"
						      "struct item { u32 number; };\n"
						      "struct value {\n"
						      "	struct task_struct __tag *task;\n"
						      "	struct item " TAG(
							      "here") "*own;\n"
								      "	struct task_struct " TAG(
									      "a") " *some[2];\n"
										   "} value;\n");
	struct ebs_compile_output output = compile_input(&input);
	struct btf *btf = types_of(&output);
	bool is_lost = major_version() == 14;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		char text[128];
		snprintf(text, sizeof(text),
			 "test.bpf.c:%s: warning: LLVM 14 leaves the type tag of '%s' out of the "
			 "BTF",
			 places[i], members[i]);
		assert_int_equal(output.messages && strstr(output.messages, text), is_lost);
		assert_int_equal(is_tagged(btf, "value", members[i]), !is_lost);
	}
	btf__free(btf);
	ebs_compile_output_free(&output);
}

// Forms that every major writes.
static void test_other_type_tags(void **state)
{
	static const char *const members[] = { "number", "any", "unknown", "constant" };
	struct ebs_compile_input input =
		input_of("struct item { int number; };\n"
			 "struct value {\n"
			 "	int " TAG(
				 "a") " *number;\n"
				      "	void " TAG("b") " *any;\n"
							"	struct unknown " TAG(
								"c") " *unknown;\n"
								     "	const struct item " TAG(
									     "d") " *constant;\n"
										  "} value;\n");
	struct ebs_compile_output output = compile_input(&input);
	struct btf *btf = types_of(&output);

	assert_null(output.messages);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		assert_true(is_tagged(btf, "value", members[i]));
	btf__free(btf);
	ebs_compile_output_free(&output);
}

static void test_type_matches(void **state)
{
	struct ebs_compile_input input = input_of(
		"#include \"vmlinux.h\"\n"
		"#include <bpf/bpf_helpers.h>\n"
		"#include <bpf/bpf_core_read.h>\n"
		"SEC(\"xdp\") int on_packet(void *context)\n"
		"{\n"
		"	if (bpf_core_type_exists(struct task_struct))\n"
		"		return __builtin_preserve_type_info(*(struct task_struct *)0, 2);\n"
		"	return 0;\n"
		"}\n");

	if (major_version() == 14)
		expect_refusal(&input, "COMPILE",
			       "test.bpf.c:7:10: error: LLVM 14 knows no bpf_core_type_matches(); "
			       "LLVM 15 does");
	else
		expect_silence(&input);
}

static void dump_line(void *text, const char *format, va_list arguments)
{
	char *line;

	assert_true(vasprintf(&line, format, arguments) >= 0);
	ebs_buffer_append_string(text, line);
	free(line);
}

// All of the running kernel's types, as C.
static struct ebs_buffer dump_kernel_types(void)
{
	struct ebs_buffer text = { 0 };
	struct btf *btf = btf__load_vmlinux_btf();
	assert_non_null(btf);
	struct btf_dump *dump = btf_dump__new(btf, dump_line, &text, NULL);
	assert_non_null(dump);

	ebs_buffer_append_string(&text,
				 "#pragma clang attribute push "
				 "(__attribute__((preserve_access_index)), apply_to = record)\n");
	for (__u32 id = 1; id < btf__type_cnt(btf); id++)
		assert_int_equal(btf_dump__dump_type(dump, id), 0);
	ebs_buffer_append_string(&text, "#pragma clang attribute pop\n");
	assert_false(text.failed);
	btf_dump__free(dump);
	btf__free(btf);
	return text;
}

static void test_real_kernel_types(void **state)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		print_message("this kernel tells no types\n");
		skip();
	}
	struct ebs_buffer types = dump_kernel_types();
	struct ebs_compile_input input = input_of(CORE_PROGRAM);

	input.kernel_types = types.data;
	input.kernel_types_size = types.size;
	expect_silence(&input);
	ebs_buffer_free(&types);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_object),
		cmocka_unit_test(test_source_lines_in_btf),
		cmocka_unit_test(test_error_text),
		cmocka_unit_test(test_error_text_ends_clean),
		cmocka_unit_test(test_name_in_messages),
		cmocka_unit_test(test_name_with_a_dash),
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_error_of_the_back_end),
		cmocka_unit_test(test_signed_division),
		cmocka_unit_test(test_operation_without_instruction),
		cmocka_unit_test(test_warning),
		cmocka_unit_test(test_no_noise),
		cmocka_unit_test(test_many_errors),
		cmocka_unit_test(test_huge_messages),
		cmocka_unit_test(test_huge_object),
		cmocka_unit_test(test_source_without_nul),
		cmocka_unit_test(test_verbose),
		cmocka_unit_test(test_defines),
		cmocka_unit_test(test_target_architecture),
		cmocka_unit_test(test_includes),
		cmocka_unit_test(test_include_beside_the_shown_name),
		cmocka_unit_test(test_relative_folders),
		cmocka_unit_test(test_removed_working_folder),
		cmocka_unit_test(test_system_includes),
		cmocka_unit_test(test_missing_include),
		cmocka_unit_test(test_unknown_type),
		cmocka_unit_test(test_vmlinux_of_others),
		cmocka_unit_test(test_licence_added),
		cmocka_unit_test(test_licence_kept),
		cmocka_unit_test(test_licence_changes_nothing),
		cmocka_unit_test(test_two_in_one_process),
		cmocka_unit_test(test_fatal_error_in_llvm),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_crash_behind_messages),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_no_code_behind_errors),
		cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_interrupted_system_calls),
		cmocka_unit_test(test_children_ignored),
		cmocka_unit_test(test_without_standard_files),
		cmocka_unit_test(test_no_file_left_open),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_lacks_in_version),
		cmocka_unit_test(test_wide_enum),
		cmocka_unit_test(test_wide_enum_elsewhere),
		cmocka_unit_test(test_type_tags),
		cmocka_unit_test(test_other_type_tags),
		cmocka_unit_test(test_type_matches),
		cmocka_unit_test(test_real_kernel_types),
	};

	return cmocka_run_group_tests_name("compile", tests, NULL, NULL);
}
