// SPDX-License-Identifier: GPL-2.0-only
// The BTF of a compiled object, with its CO-RE relocations and lines.
#include "types/object_btf.h"

#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

// The head of .BTF.ext; places count from its end.
struct ext_header {
	uint16_t magic;
	uint8_t version;
	uint8_t flags;
	uint32_t size;
	uint32_t function_place, function_size;
	uint32_t line_place, line_size;
	uint32_t relocation_place, relocation_size;
};

struct ext_section {
	uint32_t name; // place in the strings of .BTF
	uint32_t count;
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE_ORDER_MARK ELFDATA2LSB
#else
#define BYTE_ORDER_MARK ELFDATA2MSB
#endif

static const void *bytes_at(const void *elf, size_t size, uint64_t place, uint64_t length)
{
	if (place > size || length > size - place)
		return NULL;
	return (const char *)elf + place;
}

const void *ebs_elf_section(const void *elf, size_t size, const char *name, size_t *section_size)
{
	const Elf64_Ehdr *header = elf;
	if (size < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) ||
	    header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_ident[EI_DATA] != BYTE_ORDER_MARK || header->e_shoff % 8 ||
	    header->e_shentsize != sizeof(Elf64_Shdr))
		return NULL;
	const Elf64_Shdr *sections =
		bytes_at(elf, size, header->e_shoff, header->e_shnum * sizeof(*sections));
	if (!sections || header->e_shstrndx >= header->e_shnum)
		return NULL;

	const Elf64_Shdr *strings = &sections[header->e_shstrndx];
	const char *names = bytes_at(elf, size, strings->sh_offset, strings->sh_size);
	if (!names || !strings->sh_size || names[strings->sh_size - 1])
		return NULL;
	for (uint16_t i = 0; i < header->e_shnum; i++) {
		const Elf64_Shdr *section = &sections[i];
		if (section->sh_name >= strings->sh_size || section->sh_type == SHT_NOBITS ||
		    strcmp(names + section->sh_name, name))
			continue;
		*section_size = section->sh_size;
		return bytes_at(elf, size, section->sh_offset, section->sh_size);
	}
	return NULL;
}

int ebs_ext_visit(const void *btf_ext, size_t size, enum ebs_ext_table table,
		  int (*visit)(void *context, uint32_t section, const void *record), void *context)
{
	struct ext_header header = { 0 };
	union {
		struct ebs_function_record function;
		struct ebs_line_record line;
		struct ebs_relocation relocation;
	} record;
	uint32_t record_size;

	if (size < 8)
		return -EINVAL;
	memcpy(&header, btf_ext, size < sizeof(header) ? size : sizeof(header));
	if (header.magic != BTF_MAGIC || header.size > size ||
	    header.size < offsetof(struct ext_header, relocation_place))
		return -EINVAL;
	// Compilers from before CO-RE wrote a shorter head.
	if (header.size < sizeof(header))
		header.relocation_size = 0;
	const struct {
		uint32_t place, size;
		size_t smallest;
	} tables[] = {
		[EBS_EXT_FUNCTIONS] = { header.function_place, header.function_size,
					sizeof(record.function) },
		[EBS_EXT_LINES] = { header.line_place, header.line_size, sizeof(record.line) },
		[EBS_EXT_RELOCATIONS] = { header.relocation_place, header.relocation_size,
					  sizeof(record.relocation) },
	};
	const char *next = bytes_at((const char *)btf_ext + header.size, size - header.size,
				    tables[table].place, tables[table].size);
	size_t left = tables[table].size;
	size_t smallest = tables[table].smallest;

	if (!left)
		return 0;
	if (!next || left < sizeof(record_size))
		return -EINVAL;
	memcpy(&record_size, next, sizeof(record_size));
	next += sizeof(record_size);
	left -= sizeof(record_size);
	if (record_size < smallest)
		return -EINVAL;
	while (left) {
		struct ext_section section;

		if (left < sizeof(section))
			return -EINVAL;
		memcpy(&section, next, sizeof(section));
		next += sizeof(section);
		left -= sizeof(section);
		if (section.count > left / record_size)
			return -EINVAL;
		for (uint32_t i = 0; i < section.count; i++) {
			memcpy(&record, next, smallest);
			next += record_size;
			left -= record_size;
			int result = visit(context, section.name, &record);
			if (result)
				return result;
		}
	}
	return 0;
}
