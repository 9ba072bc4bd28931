// SPDX-License-Identifier: GPL-2.0-only
// The BTF of a compiled object, with its CO-RE relocations and lines, straight from the ELF file.
#ifndef EBS_TYPES_OBJECT_BTF_H
#define EBS_TYPES_OBJECT_BTF_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "types/btf_blob.h"
#include "types/elf_sections.h"

// As the compiler writes it (struct bpf_core_relo of linux/bpf.h).
struct ebs_relocation {
	uint32_t instruction; // byte offset in its section
	uint32_t type;        // in the object's BTF
	uint32_t access;      // place of the access string in its strings
	uint32_t kind;        // enum bpf_core_relo_kind
};

// As bpf_func_info and bpf_line_info of linux/bpf.h, but for the places: byte offsets in sections.
struct ebs_function_record {
	uint32_t instruction;
	uint32_t type; // BTF_KIND_FUNC
};
struct ebs_line_record {
	uint32_t instruction;
	uint32_t file;  // place of its name in the strings
	uint32_t text;  // of the line, likewise
	uint32_t place; // line << 10 | column, both from 1
};

enum ebs_ext_table {
	EBS_EXT_FUNCTIONS,
	EBS_EXT_LINES,
	EBS_EXT_RELOCATIONS,
};

// Calls `visit` for each record of a table of .BTF.ext, aligned; `section` is the place, in the
// strings of the object's BTF, of the name of the program's section. Ends early when it returns
// something else than 0, and returns that; or -EINVAL for a .BTF.ext that is broken.
int ebs_ext_visit(const void *btf_ext, size_t size, enum ebs_ext_table table,
		  int (*visit)(void *context, uint32_t section, const void *record), void *context);

#endif
