// SPDX-License-Identifier: GPL-2.0-only
// The files that C text includes, found as the compiler would, for tokens.c.
#ifndef EBS_TYPES_C_FILES_H
#define EBS_TYPES_C_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ebs_c_file {
	char *text; // owned; lines that ended in a backslash are joined
	size_t size;
	char *directory; // where its own #include "..." look first, owned; NULL: nowhere
	char *path;      // owned; NULL: it is no file
	bool is_system;  // of the machine's own headers: what it defines counts, not what it uses
	dev_t device;    // device and inode: one file is taken once
	ino_t inode;
};

// Start with { 0 }.
struct ebs_c_files {
	const char *directory;
	const char *const *include_dirs;
	bool dates_only; // a file's size and date stand for its text
	bool unsure;     // an #include or #embed doesn't tell which file it means
	struct ebs_c_file *list;
	size_t count;
};

// Text that stands in no file. Returns 0 or -ENOMEM.
int ebs_c_files_add_text(struct ebs_c_files *files, const char *text, size_t size,
			 const char *directory);

// Looks for the file that the one at `from` in the list includes, and appends it. Returns 1, also
// when it is there already, 0 when it isn't found, or -ENOMEM.
int ebs_c_files_include(struct ebs_c_files *files, size_t from, const char *name, size_t length,
			bool quoted);
void ebs_c_files_free(struct ebs_c_files *files);

#endif
