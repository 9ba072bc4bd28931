// SPDX-License-Identifier: GPL-2.0-only
// The proof for the minimal header and for the relocation subset: for all C that is shipped, and
// for tests/snippets, they give the same code as the kernel's whole BTF does.
#include "snippets_fixture.h"

#include <bpf/libbpf.h>
#include <elf.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <unistd.h>

#include "types/object_btf.h"

static struct ebs_btf_blob blob;
static const struct ebs_btf_blob *kernel; // NULL: this one has no BTF
static struct ebs_buffer full_header;

static int may_load(void)
{
	struct ebs_buffer status = { 0 };
	unsigned long long effective = 0;

	assert_int_equal(ebs_buffer_read_file(&status, "/proc/self/status"), 0);
	const char *line = strstr(status.data, "CapEff:");
	assert_non_null(line);
	assert_int_equal(sscanf(line, "CapEff: %llx", &effective), 1);
	ebs_buffer_free(&status);
	return effective >> CAP_SYS_ADMIN & 1;
}

static const Elf64_Shdr *section_at(const char *elf, int index, const char **name)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)elf;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(elf + header->e_shoff);

	if (index >= header->e_shnum)
		return NULL;
	*name = elf + sections[header->e_shstrndx].sh_offset + sections[index].sh_name;
	return &sections[index];
}

// All that reaches the kernel but BTF: code, relocations, data, symbols.
static int counts(const char *name, const Elf64_Shdr *section)
{
	return section->sh_type != SHT_NOBITS && !strstr(name, ".BTF") && !strstr(name, ".debug") &&
	       section->sh_type != SHT_NULL && strcmp(name, ".llvm_addrsig");
}

static void expect_same_sections(const char *mine, const char *theirs)
{
	const char *name, *their_name;
	const Elf64_Shdr *section;
	int code = 0;

	for (int i = 0; (section = section_at(mine, i, &name)); i++) {
		const Elf64_Shdr *other = section_at(theirs, i, &their_name);
		assert_non_null(other);
		assert_string_equal(name, their_name);
		if (!counts(name, section))
			continue;
		code += section->sh_flags & SHF_EXECINSTR && section->sh_size;
		if (section->sh_size != other->sh_size ||
		    memcmp(mine + section->sh_offset, theirs + other->sh_offset, section->sh_size))
			fail_msg("section %s differs", name);
	}
	assert_true(code > 0);
}

// Relocations as text: ids differ, since the BTF does.
struct relocations {
	struct ebs_btf_blob btf;
	struct ebs_buffer text;
};

static int describe_relocation(void *context, uint32_t section, const void *record)
{
	const struct ebs_relocation *relocation = record;
	struct relocations *relocations = context;
	const struct ebs_btf_blob *btf = &relocations->btf;
	const struct btf_type *type = ebs_btf_type(btf, relocation->type);

	ebs_buffer_printf(&relocations->text, "%s+%u: kind %u, %u %s, %s\n",
			  ebs_btf_string(btf, section), relocation->instruction, relocation->kind,
			  ebs_btf_kind(type), ebs_btf_string(btf, type->name_off),
			  ebs_btf_string(btf, relocation->access));
	return 0;
}

static struct ebs_buffer relocations_of(const struct ebs_compile_output *output)
{
	struct relocations relocations = { .text = { 0 } };
	size_t btf_size, ext_size;
	const void *btf = ebs_elf_section(output->object, output->object_size, ".BTF", &btf_size);
	const void *ext =
		ebs_elf_section(output->object, output->object_size, ".BTF.ext", &ext_size);

	assert_non_null(btf);
	assert_non_null(ext);
	assert_int_equal(ebs_btf_blob_view(&relocations.btf, btf, btf_size, "object", NULL), 0);
	ebs_buffer_append_string(&relocations.text, "");
	assert_int_equal(ebs_ext_visit(ext, ext_size, EBS_EXT_RELOCATIONS, describe_relocation,
				       &relocations),
			 0);
	ebs_btf_blob_close(&relocations.btf);
	return relocations.text;
}

static void same_code(void **state)
{
	struct snippet *snippet = *state;
	if (!kernel)
		skip_case("needs a kernel with BTF");

	struct ebs_buffer header = minimal_header(kernel, snippet->text.data);
	struct ebs_error error = { 0 };
	if (try_compile(snippet->name, snippet->text.data, header.data, header.size,
			&snippet->output, &error)) {
		snippet->lacking = strstr(ebs_error_text(&error), "LLVM 14 knows no");
		if (!snippet->lacking)
			fail_msg("%s with %zu bytes of header: %s", snippet->name, header.size,
				 ebs_error_text(&error));
		ebs_error_clear(&error);
		ebs_buffer_free(&header);
		skip_case("needs a newer LLVM");
	}
	assert_true(header.size > 1000 && header.size < full_header.size / 10);
	struct ebs_compile_output full =
		must_compile(snippet->name, snippet->text.data, full_header.data, full_header.size);
	expect_same_sections(snippet->output.object, full.object);

	struct ebs_buffer mine = relocations_of(&snippet->output);
	struct ebs_buffer theirs = relocations_of(&full);
	assert_string_equal(mine.data, theirs.data);
	ebs_buffer_free(&mine);
	ebs_buffer_free(&theirs);
	ebs_buffer_free(&header);
	ebs_compile_output_free(&full);
}

static unsigned patched;        // relocations that libbpf says it has carried out
static struct ebs_buffer words; // what it said

static int on_words(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, arguments);
	patched += strstr(line, ": relo #") &&
		   (strstr(line, "patched insn") || strstr(line, "substituting insn"));
	if (level == LIBBPF_WARN)
		ebs_buffer_append_string(&words, line);
	return 0;
}

// File descriptors of maps differ from load to load.
static void append_instructions(struct ebs_buffer *out, const struct bpf_program *program)
{
	const struct bpf_insn *instructions = bpf_program__insns(program);

	for (size_t i = 0; i < bpf_program__insn_cnt(program); i++) {
		struct bpf_insn instruction = instructions[i];

		if (instruction.code == (BPF_LD | BPF_IMM | BPF_DW) &&
		    (instruction.src_reg == BPF_PSEUDO_MAP_FD ||
		     instruction.src_reg == BPF_PSEUDO_MAP_VALUE))
			instruction.imm = 0;
		ebs_buffer_append(out, &instruction, sizeof(instruction));
	}
}

// The instructions as libbpf gives them to the kernel, which need not take them all: a kernel
// without kprobes refuses programs for these.
static struct ebs_buffer relocated(const struct ebs_compile_output *output, const char *btf_path)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = btf_path);
	struct bpf_object *object =
		bpf_object__open_mem(output->object, output->object_size, &options);
	struct ebs_buffer instructions = { 0 };
	struct bpf_program *program;
	struct bpf_map *map;

	if (!object)
		fail_msg("libbpf can't open it: %s", words.size ? words.data : "");
	bpf_object__for_each_map (map, object)
		if (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF) {
			bpf_map__set_key_size(map, 0);
			bpf_map__set_value_size(map, 0);
		}
	patched = 0;
	ebs_buffer_clear(&words);
	bpf_object__load(object);
	bpf_object__for_each_program (program, object)
		append_instructions(&instructions, program);
	bpf_object__close(object);
	assert_true(instructions.size > 0);
	return instructions;
}

static void same_relocated_code(void **state)
{
	struct snippet *snippet = *state;
	if (!kernel)
		skip_case("needs a kernel with BTF");
	if (!may_load())
		skip_case("needs root (CAP_SYS_ADMIN)");
	if (snippet->lacking)
		skip_case("needs a newer LLVM");
	if (!snippet->output.object)
		fail_msg("it was not compiled");

	struct ebs_buffer list = relocations_of(&snippet->output);
	unsigned wanted = 0;
	for (const char *line = list.data; (line = strchr(line, '\n')); line++)
		wanted++;
	ebs_buffer_free(&list);

	struct ebs_relocation_subset subset;
	struct ebs_error error = { 0 };
	if (ebs_relocation_subset_make(kernel, snippet->output.object, snippet->output.object_size,
				       &subset, &error))
		fail_msg("%s", ebs_error_text(&error));
	assert_int_not_equal(subset.kind, EBS_SUBSET_IMPOSSIBLE);
	assert_int_equal(subset.kind == EBS_SUBSET_UNNEEDED, wanted == 0);

	char path[64];
	int fd = memfd_create("subset", 0);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, subset.btf.data, subset.btf.size), subset.btf.size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

	struct ebs_buffer theirs = relocated(&snippet->output, NULL);
	assert_int_equal(patched, wanted);
	struct ebs_buffer mine = relocated(&snippet->output, wanted ? path : NULL);
	if (patched != wanted)
		fail_msg("%u of %u relocations: %s", patched, wanted, words.data);
	assert_int_equal(mine.size, theirs.size);
	assert_memory_equal(mine.data, theirs.data, mine.size);
	assert_true(subset.btf.size < 256 * 1024);
	printf("# %s: %u relocations, subset %zu bytes\n", snippet->name, wanted, subset.btf.size);
	close(fd);
	ebs_relocation_subset_free(&subset);
	ebs_buffer_free(&mine);
	ebs_buffer_free(&theirs);
}

static struct CMUnitTest case_of(struct snippet *snippet, CMUnitTestFunction function,
				 const char *what)
{
	char *name = NULL;

	assert_true(asprintf(&name, "%s: %s", snippet->name, what) > 0);
	return (struct CMUnitTest){ name, function, NULL, NULL, snippet };
}

int main(void)
{
	static struct snippets snippets;
	static struct CMUnitTest tests[2 * 128];
	struct ebs_error error = { 0 };

	if (!add_all_snippets(&snippets))
		return 1;
	if (!ebs_btf_blob_open(&blob, EBS_KERNEL_BTF, NULL))
		kernel = &blob;
	if (kernel && ebs_header_write_all(kernel, NULL, &full_header, &error)) {
		fprintf(stderr, "%s\n", ebs_error_text(&error));
		return 1;
	}
	libbpf_set_print(on_words);
	for (size_t i = 0; i < snippets.count; i++) {
		tests[2 * i] = case_of(&snippets.list[i], same_code, "same code");
		tests[2 * i + 1] = case_of(&snippets.list[i], same_relocated_code,
					   "same code after relocation");
	}
	int failed = _cmocka_run_group_tests("subset", tests, 2 * snippets.count, NULL, NULL);

	for (size_t i = 0; i < 2 * snippets.count; i++)
		free((char *)(uintptr_t)tests[i].name);
	free_snippets(&snippets);
	ebs_buffer_free(&full_header);
	ebs_buffer_free(&words);
	ebs_btf_blob_close(&blob);
	free(templates);
	free(headers);
	return failed;
}
