// SPDX-License-Identifier: GPL-2.0-only
// The sections of a compiled object.
#include "types/elf_sections.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE_ORDER_MARK ELFDATA2LSB
#else
#define BYTE_ORDER_MARK ELFDATA2MSB
#endif

static bool header_at(const struct ebs_elf *elf, uint64_t number, Elf64_Shdr *header)
{
	struct ebs_bytes part;

	return number <= UINT16_MAX &&
	       ebs_bytes_part(elf->table, number * sizeof(*header), sizeof(*header), &part) &&
	       ebs_bytes_copy(&part, header, sizeof(*header));
}

bool ebs_elf_open(struct ebs_elf *elf, const void *data, size_t size)
{
	struct ebs_bytes left = ebs_bytes_of(data, size);
	Elf64_Ehdr header;
	Elf64_Shdr names;

	elf->file = left;
	return ebs_bytes_copy(&left, &header, sizeof(header)) &&
	       !memcmp(header.e_ident, ELFMAG, SELFMAG) && header.e_ident[EI_CLASS] == ELFCLASS64 &&
	       header.e_ident[EI_DATA] == BYTE_ORDER_MARK && header.e_shentsize == sizeof(names) &&
	       ebs_bytes_part(elf->file, header.e_shoff, header.e_shnum * sizeof(names),
			      &elf->table) &&
	       header_at(elf, header.e_shstrndx, &names) &&
	       ebs_bytes_part(elf->file, names.sh_offset, names.sh_size, &elf->names);
}

bool ebs_elf_section_at(const struct ebs_elf *elf, uint64_t number, struct ebs_elf_section *section)
{
	struct ebs_bytes rest = elf->names;
	const char *name = NULL;

	if (!header_at(elf, number, &section->header))
		return false;
	if (ebs_bytes_take(&rest, section->header.sh_name, NULL))
		name = ebs_bytes_text(&rest);
	section->name = name ? name : "";
	if (section->header.sh_type == SHT_NOBITS ||
	    !ebs_bytes_part(elf->file, section->header.sh_offset, section->header.sh_size,
			    &section->content))
		section->content = ebs_bytes_of(NULL, 0);
	return true;
}

const void *ebs_elf_section(const void *elf, size_t size, const char *name, size_t *section_size)
{
	struct ebs_elf_section section;
	struct ebs_elf opened;

	if (!ebs_elf_open(&opened, elf, size))
		return NULL;
	for (uint64_t i = 0; ebs_elf_section_at(&opened, i, &section); i++) {
		if (section.header.sh_type == SHT_NOBITS || strcmp(section.name, name))
			continue;
		*section_size = section.content.size;
		return section.content.data;
	}
	return NULL;
}
