// SPDX-License-Identifier: GPL-2.0-only
// What the files of binary/ know of an opened file.
#ifndef EBS_BINARY_FILE_PRIVATE_H
#define EBS_BINARY_FILE_PRIVATE_H

#include <gelf.h>
#include <stdint.h>

#include "binary/file.h"

#define EBS_BUILD_ID_SIZE 64 // the largest that counts

// A part of the file that is mapped for a program.
struct ebs_segment {
	uint64_t address;
	uint64_t offset;
	uint64_t size; // in the file
};

struct ebs_binary {
	char *name;
	char path[32]; // "/proc/self/fd/N"; "": there is no /proc
	int fd;
	Elf *elf;
	struct ebs_segment *segments;
	size_t segment_count;
	bool looked_for_debug;
	struct ebs_binary *debug; // what a stripped file's symbols were moved to, or NULL
};

// Where the bytes of an address are in the file. False where no segment has it.
bool ebs_binary_offset(const struct ebs_binary *binary, uint64_t address, uint64_t *offset);

// The first section of that name, with its header; NULL: none.
Elf_Scn *ebs_binary_section(const struct ebs_binary *binary, const char *name, GElf_Shdr *header);

// The identity that the linker wrote. Returns its size, 0: there is none.
size_t ebs_binary_build_id(const struct ebs_binary *binary, uint8_t id[EBS_BUILD_ID_SIZE]);

// The debug file of a file that has no symbol table of its own, looked for once; NULL: none, or
// not needed.
struct ebs_binary *ebs_binary_debug(struct ebs_binary *binary);

// Another copy of a path: the file that the process has mapped, as a path that opens it, and in
// `*name` what it is called; both are the caller's. NULL: it has none, or it can't be opened.
char *ebs_mapped_file(pid_t pid, const char *wanted, const char *own, char **name);

#endif
