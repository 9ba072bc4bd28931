// SPDX-License-Identifier: GPL-2.0-only
// Variables of a compiled object whose initial values are addresses.
#include "types/pointer_tables.h"

#include <linux/bpf.h>

#include "types/object_btf.h"

#define POINTER_BYTES 8 // of BPF

// A section of relocations, the section that they change, and the symbols that they name.
struct relocations {
	const struct ebs_elf *elf;
	struct ebs_bytes list;
	uint64_t target; // number of the section
	struct ebs_elf_section changed;
	struct ebs_bytes symbols;
	struct ebs_bytes strings;
};

static bool open_relocations(const struct ebs_elf *elf, const struct ebs_elf_section *section,
			     struct relocations *relocations)
{
	struct ebs_elf_section symbols, strings;

	if (section->header.sh_type != SHT_REL ||
	    !ebs_elf_section_at(elf, section->header.sh_info, &relocations->changed) ||
	    !ebs_elf_section_at(elf, section->header.sh_link, &symbols) ||
	    !ebs_elf_section_at(elf, symbols.header.sh_link, &strings))
		return false;
	relocations->elf = elf;
	relocations->list = section->content;
	relocations->target = section->header.sh_info;
	relocations->symbols = symbols.content;
	relocations->strings = strings.content;
	return true;
}

static bool is_program(const struct ebs_elf_section *section)
{
	return section->header.sh_flags & SHF_EXECINSTR;
}

// Sections of variables; what else has relocations is the business of libbpf, or is debugging
// information.
static bool is_data(const struct ebs_elf_section *section)
{
	static const char *const names[] = { ".rodata", ".data", ".addr_space" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t length = strlen(names[i]);

		if (!strncmp(section->name, names[i], length) &&
		    (!section->name[length] || section->name[length] == '.'))
			return !is_program(section);
	}
	return false;
}

static bool symbol_of(const struct relocations *relocations, Elf64_Rel relocation,
		      Elf64_Sym *symbol)
{
	struct ebs_bytes part;

	return ebs_bytes_part(relocations->symbols,
			      ELF64_R_SYM(relocation.r_info) * sizeof(*symbol), sizeof(*symbol),
			      &part) &&
	       ebs_bytes_copy(&part, symbol, sizeof(*symbol));
}

// The variable that has the byte at `offset`. Without one there is no name, and the rest of the
// section is the variable.
static const char *find_variable(const struct relocations *relocations, uint64_t offset,
				 Elf64_Sym *variable)
{
	struct ebs_bytes symbols = relocations->symbols;

	while (ebs_bytes_copy(&symbols, variable, sizeof(*variable))) {
		struct ebs_bytes name = relocations->strings;

		if (variable->st_shndx == relocations->target &&
		    ELF64_ST_TYPE(variable->st_info) == STT_OBJECT &&
		    offset >= variable->st_value &&
		    offset - variable->st_value < variable->st_size &&
		    ebs_bytes_take(&name, variable->st_name, NULL))
			return ebs_bytes_text(&name);
	}
	variable->st_value = offset;
	variable->st_size = UINT64_MAX - offset;
	return NULL;
}

// Looks at what one pointer points to: the address is the symbol's plus what lies in its place.
static void look_behind(const struct relocations *relocations, Elf64_Rel relocation,
			struct ebs_pointer_table *table)
{
	struct ebs_elf_section section;
	struct ebs_bytes place;
	Elf64_Sym symbol;
	uint64_t more = 0;

	table->to = EBS_TO_OTHER;
	if (!symbol_of(relocations, relocation, &symbol) ||
	    !ebs_elf_section_at(relocations->elf, symbol.st_shndx, &section))
		return;
	if (is_program(&section)) {
		table->to = EBS_TO_FUNCTION;
	} else if (!strncmp(section.name, ".rodata.str", strlen(".rodata.str"))) {
		table->to = EBS_TO_TEXT;
		if (!ebs_bytes_part(relocations->changed.content, relocation.r_offset, sizeof(more),
				    &place) ||
		    !ebs_bytes_copy(&place, &more, sizeof(more)) ||
		    !ebs_bytes_take(&section.content, symbol.st_value + more, NULL))
			return;
		const char *text = ebs_bytes_text(&section.content);
		size_t length = text ? strlen(text) + 1 : 0;
		if (length > table->longest)
			table->longest = length;
	}
}

// By the variable's type in the object's BTF.
static bool holds_struct(const void *elf, size_t size, const char *name)
{
	struct ebs_btf_blob btf;
	size_t btf_size;
	const void *data = ebs_elf_section(elf, size, ".BTF", &btf_size);
	bool holds = false;

	if (!data || ebs_btf_blob_view(&btf, data, btf_size, ".BTF", NULL))
		return false;
	for (uint32_t id = 1; id < btf.count; id++) {
		const struct btf_type *type = ebs_btf_type(&btf, id);

		if (ebs_btf_kind(type) != BTF_KIND_VAR ||
		    strcmp(ebs_btf_string(&btf, type->name_off), name))
			continue;
		uint32_t behind = type->type;
		// No chain is longer than there are types.
		for (uint32_t step = 0; step < btf.count && behind && behind < btf.count; step++) {
			holds = ebs_btf_is_record(ebs_btf_type(&btf, behind));
			behind = ebs_btf_behind(ebs_btf_type(&btf, behind));
		}
		break;
	}
	ebs_btf_blob_close(&btf);
	return holds;
}

// The last line record at or before an instruction.
struct find_line {
	const struct ebs_btf_blob *btf;
	const char *section;
	uint64_t instruction; // byte offset in the section
	struct ebs_pointer_table *table;
};

static int match_line(void *context, uint32_t section, const void *record)
{
	const struct ebs_line_record *line = record;
	struct find_line *find = context;

	if (line->instruction > find->instruction ||
	    strcmp(ebs_btf_string(find->btf, section), find->section))
		return 0;
	find->table->file = ebs_btf_string(find->btf, line->file);
	find->table->line = line->place >> 10;
	return 0;
}

static void find_line(const void *elf, size_t size, const char *section, uint64_t instruction,
		      struct ebs_pointer_table *table)
{
	struct ebs_btf_blob btf;
	size_t btf_size, ext_size;
	const void *data = ebs_elf_section(elf, size, ".BTF", &btf_size);
	const void *ext = ebs_elf_section(elf, size, ".BTF.ext", &ext_size);

	if (!data || !ext || ebs_btf_blob_view(&btf, data, btf_size, ".BTF", NULL))
		return;
	struct find_line find = { &btf, section, instruction, table };
	ebs_ext_visit(ext, ext_size, EBS_EXT_LINES, match_line, &find);
	ebs_btf_blob_close(&btf); // its strings are the object's
}

// The instruction that loads the address of what lies nearest before `offset` in section `target`.
static void find_user(const struct ebs_elf *elf, uint64_t target, uint64_t offset,
		      struct ebs_pointer_table *table)
{
	struct ebs_elf_section section;
	const char *user = NULL;
	uint64_t instruction = 0;
	uint64_t nearest = 0;

	for (uint64_t i = 0; ebs_elf_section_at(elf, i, &section); i++) {
		struct relocations relocations;
		struct ebs_bytes place;
		Elf64_Rel relocation;
		Elf64_Sym symbol;
		struct bpf_insn insn;

		if (!open_relocations(elf, &section, &relocations) ||
		    !is_program(&relocations.changed))
			continue;
		while (ebs_bytes_copy(&relocations.list, &relocation, sizeof(relocation))) {
			if (!symbol_of(&relocations, relocation, &symbol) ||
			    symbol.st_shndx != target ||
			    !ebs_bytes_part(relocations.changed.content, relocation.r_offset,
					    sizeof(insn), &place) ||
			    !ebs_bytes_copy(&place, &insn, sizeof(insn)))
				continue;
			uint64_t used = symbol.st_value + (uint32_t)insn.imm;
			if (used > offset || (user && used <= nearest))
				continue;
			user = relocations.changed.name;
			instruction = relocation.r_offset;
			nearest = used;
		}
	}
	if (user)
		find_line(elf->file.data, elf->file.size, user, instruction, table);
}

static bool describe(struct relocations *relocations, struct ebs_pointer_table *table)
{
	const struct ebs_elf *elf = relocations->elf;
	struct ebs_bytes list = relocations->list;
	Elf64_Rel relocation;
	Elf64_Sym variable;

	if (!ebs_bytes_copy(&list, &relocation, sizeof(relocation)))
		return false;
	*table = (struct ebs_pointer_table){ 0 };
	table->name = find_variable(relocations, relocation.r_offset, &variable);
	uint64_t first = relocation.r_offset;
	size_t count = 0;
	do {
		if (relocation.r_offset - variable.st_value >= variable.st_size)
			continue;
		look_behind(relocations, relocation, table);
		count++;
	} while (ebs_bytes_copy(&list, &relocation, sizeof(relocation)));
	table->is_table = count > 1 || (table->name && variable.st_size > POINTER_BYTES);
	if (table->name)
		table->in_struct = holds_struct(elf->file.data, elf->file.size, table->name);
	else
		find_user(elf, relocations->target, first, table);
	return true;
}

bool ebs_pointer_table_find(const void *elf, size_t size, struct ebs_pointer_table *table)
{
	struct relocations relocations;
	struct ebs_elf_section section;
	struct ebs_elf opened;

	if (!ebs_elf_open(&opened, elf, size))
		return false;
	for (uint64_t i = 0; ebs_elf_section_at(&opened, i, &section); i++)
		if (open_relocations(&opened, &section, &relocations) &&
		    is_data(&relocations.changed) && describe(&relocations, table))
			return true;
	return false;
}
