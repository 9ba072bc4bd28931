// SPDX-License-Identifier: GPL-2.0-only
// Which line of the C an instruction of a loaded program comes from, by the object's BTF.
#ifndef EBS_TYPES_LINE_INFO_H
#define EBS_TYPES_LINE_INFO_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "types/btf_blob.h"

struct ebs_line {
	const char *file; // as messages of the compiler name it
	const char *text; // of the line, as it is written
	uint32_t line;    // from 1
	uint32_t column;  // from 1; 0 when it isn't known
};

// A function of a program as it is loaded: the instructions from `first` on are those of a section
// from `origin` on.
struct ebs_line_function {
	const char *name;
	uint32_t section; // place of its name in the BTF's strings
	uint32_t first, origin, count;
};

struct ebs_line_info {
	struct ebs_btf_blob btf;
	struct ebs_line_function *functions; // in the program's order
	size_t function_count;
	void *lines; // all records
	size_t line_count;
};

// For the program `name` in `section` of the object `elf`, whose bytes must stay; `instructions`
// are those that libbpf has made of it, with the functions that it calls behind it; NULL: the
// function alone, of which instruction 0 is the first. Returns 0, or
// -errno where that can't be told; then there is nothing to free.
int ebs_line_info_open(struct ebs_line_info *info, const void *elf, size_t size,
		       const char *section, const char *name, const struct bpf_insn *instructions,
		       size_t count);
void ebs_line_info_free(struct ebs_line_info *info);

// The function that has instruction `index`; NULL when that isn't known.
const struct ebs_line_function *ebs_line_info_function(const struct ebs_line_info *info,
						       uint32_t index);

// False where the compiler has told no line. Texts live as long as the object's bytes.
bool ebs_line_info_find(const struct ebs_line_info *info, uint32_t index, struct ebs_line *line);

#endif
