// SPDX-License-Identifier: GPL-2.0-only
// The BTF of a compiled object, and its CO-RE relocations, straight from the ELF file.
#ifndef EBS_TYPES_OBJECT_BTF_H
#define EBS_TYPES_OBJECT_BTF_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "types/btf_blob.h"

// As the compiler writes it (struct bpf_core_relo of linux/bpf.h).
struct ebs_relocation {
	uint32_t instruction; // byte offset in its section
	uint32_t type;        // in the object's BTF
	uint32_t access;      // place of the access string in its strings
	uint32_t kind;        // enum bpf_core_relo_kind
};

// Bytes of a section; NULL when the file has none of this name, or is no ELF file of this machine's
// byte order and 64 bits.
const void *ebs_elf_section(const void *elf, size_t size, const char *name, size_t *section_size);

// Calls `visit` for each relocation; `section` is the place, in the strings of the object's BTF, of
// the name of the program's section. Ends early when it returns something else than 0, and returns
// that; or -EINVAL for a .BTF.ext that is broken.
int ebs_relocations_visit(const void *btf_ext, size_t size,
			  int (*visit)(void *context, uint32_t section,
				       const struct ebs_relocation *relocation),
			  void *context);

#endif
