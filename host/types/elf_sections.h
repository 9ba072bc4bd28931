// SPDX-License-Identifier: GPL-2.0-only
// The sections of a compiled object, straight from the ELF file (elf(5)).
#ifndef EBS_TYPES_ELF_SECTIONS_H
#define EBS_TYPES_ELF_SECTIONS_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct ebs_elf {
	struct ebs_bytes file;  // the caller's, which must stay
	struct ebs_bytes table; // the sections' headers
	struct ebs_bytes names; // of the sections
};

// False when it is no ELF file of this machine's byte order and 64 bits. There is nothing to close.
bool ebs_elf_open(struct ebs_elf *elf, const void *data, size_t size);

struct ebs_elf_section {
	Elf64_Shdr header;
	const char *name;         // "" where that is broken
	struct ebs_bytes content; // empty for one without bytes in the file, or with broken places
};

// False past the last section.
bool ebs_elf_section_at(const struct ebs_elf *elf, uint64_t number,
			struct ebs_elf_section *section);

// Bytes of a section; NULL when the file has none of this name, or is no such ELF file.
const void *ebs_elf_section(const void *elf, size_t size, const char *name, size_t *section_size);

#endif
