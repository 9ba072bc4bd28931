// SPDX-License-Identifier: GPL-2.0-only
// Lines of instructions, also of functions that libbpf has put behind a program.
#include "compile_fixture.h"

#include <linux/bpf.h>
#include <stdlib.h>

#include "types/line_info.h"
#include "types/object_btf.h"

static const char source[] = "#include \"vmlinux.h\"\n"                             // 1
			     "#include <bpf/bpf_helpers.h>\n"                       // 2
			     "static __attribute__((noinline)) u64 first(u64 n)\n"  // 3
			     "{\n"                                                  // 4
			     "	asm volatile(\"\" : \"+r\"(n));\n"                  // 5
			     "	return n * bpf_ktime_get_ns();\n"                   // 6
			     "}\n"                                                  // 7
			     "static __attribute__((noinline)) u64 second(u64 n)\n" // 8
			     "{\n"                                                  // 9
			     "	return first(n) + (bpf_get_prandom_u32() & 7);\n"   // 10
			     "}\n"                                                  // 11
			     "SEC(\"xdp\") int before(void *ctx)\n"                 // 12
			     "{\n"                                                  // 13
			     "	return bpf_get_smp_processor_id();\n"               // 14
			     "}\n"                                                  // 15
			     "SEC(\"xdp\") int run(void *ctx)\n"                    // 16
			     "{\n"                                                  // 17
			     "	return second(bpf_get_prandom_u32());\n"            // 18
			     "}\n";                                                 // 19

struct program {
	struct ebs_compile_output output;
	struct bpf_insn instructions[128];
	size_t count;
	struct ebs_line_info info;
};

// Where a function is in its section.
struct function {
	uint32_t origin, count;
};

static const struct bpf_insn *section_of(const struct program *program, const char *name,
					 size_t *count)
{
	size_t size = 0;
	const void *data =
		ebs_elf_section(program->output.object, program->output.object_size, name, &size);

	assert_non_null(data);
	*count = size / sizeof(struct bpf_insn);
	return data;
}

// The function that calls a helper; each ends with its only exit instruction.
static struct function find_function(const struct bpf_insn *instructions, size_t count, int helper)
{
	struct function function = { 0 };
	bool calls = false;

	for (size_t i = 0; i < count; i++) {
		function.count++;
		calls |= instructions[i].code == (BPF_JMP | BPF_CALL) && !instructions[i].src_reg &&
			 instructions[i].imm == helper;
		if (instructions[i].code != (BPF_JMP | BPF_EXIT))
			continue;
		if (calls)
			return function;
		function = (struct function){ .origin = i + 1 };
	}
	fail();
	return function;
}

// Puts a function behind the others, as libbpf does, and points the last call to it.
static void append(struct program *program, const char *section, int helper)
{
	size_t count;
	const struct bpf_insn *all = section_of(program, section, &count);
	struct function function = find_function(all, count, helper);

	for (size_t i = program->count; i-- > 0;) {
		struct bpf_insn *insn = &program->instructions[i];

		if (insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL) {
			insn->imm = (int)(program->count - i - 1);
			break;
		}
	}
	memcpy(program->instructions + program->count, all + function.origin,
	       function.count * sizeof(*all));
	program->count += function.count;
}

static int setup(void **state)
{
	struct program *program = calloc(1, sizeof(*program));
	struct ebs_compile_input input = input_of(source);

	assert_non_null(program);
	program->output = compile_input(&input);
	append(program, "xdp", BPF_FUNC_get_prandom_u32);
	append(program, ".text", BPF_FUNC_get_prandom_u32);
	append(program, ".text", BPF_FUNC_ktime_get_ns);
	assert_int_equal(ebs_line_info_open(&program->info, program->output.object,
					    program->output.object_size, "xdp", "run",
					    program->instructions, program->count),
			 0);
	*state = program;
	return 0;
}

static int teardown(void **state)
{
	struct program *program = *state;

	ebs_line_info_free(&program->info);
	ebs_compile_output_free(&program->output);
	free(program);
	return 0;
}

static void functions(void **state)
{
	static const char *const names[] = { "run", "second", "first" };
	struct program *program = *state;

	assert_int_equal(program->info.function_count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(program->info.functions[i].name, names[i]);
	assert_ptr_equal(ebs_line_info_function(&program->info, 0), &program->info.functions[0]);
	assert_ptr_equal(ebs_line_info_function(&program->info, program->count - 1),
			 &program->info.functions[2]);
	assert_null(ebs_line_info_function(&program->info, program->count));
	assert_null(ebs_line_info_function(&program->info, UINT32_MAX));
}

// The line of the nth call to a helper of that number.
static struct ebs_line line_of_call(const struct program *program, int helper)
{
	struct ebs_line line = { 0 };

	for (size_t i = 0; i < program->count; i++) {
		const struct bpf_insn *insn = &program->instructions[i];

		if (insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg && insn->imm == helper) {
			assert_true(ebs_line_info_find(&program->info, i, &line));
			return line;
		}
	}
	fail();
	return line;
}

static void lines(void **state)
{
	struct program *program = *state;
	struct ebs_line line = line_of_call(program, BPF_FUNC_get_prandom_u32);

	assert_string_equal(line.file, "test.bpf.c");
	assert_string_equal(line.text, "\treturn second(bpf_get_prandom_u32());");
	assert_int_equal(line.line, 18);
	assert_int_equal(line.column, 16);
	line = line_of_call(program, BPF_FUNC_ktime_get_ns);
	assert_int_equal(line.line, 6);
	assert_int_equal(line.column, 13);
	assert_false(ebs_line_info_find(&program->info, program->count, &line));
}

static void nothing_known(void **state)
{
	struct program *program = *state;
	struct ebs_line_info info;

	assert_int_not_equal(ebs_line_info_open(&info, NULL, 0, "xdp", "run", program->instructions,
						program->count),
			     0);
	assert_int_not_equal(ebs_line_info_open(&info, "no object", 9, "xdp", "run",
						program->instructions, program->count),
			     0);
	// Another program than the object's: no line is better than a wrong one.
	struct ebs_line line;
	struct bpf_insn other[5] = { 0 };
	assert_int_equal(ebs_line_info_open(&info, program->output.object,
					    program->output.object_size, "xdp", "other", other, 5),
			 0);
	assert_false(ebs_line_info_find(&info, 0, &line));
	ebs_line_info_free(&info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(functions, setup, teardown),
		cmocka_unit_test_setup_teardown(lines, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_known, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
