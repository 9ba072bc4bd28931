// SPDX-License-Identifier: GPL-2.0-only
// A file that appears whole: written beside its place, where only its owner reads it, then renamed.
#ifndef EBS_BASE_OUTPUT_FILE_H
#define EBS_BASE_OUTPUT_FILE_H

#include "base/error.h"

struct ebs_output_file {
	int fd;           // to write to; ends with the file
	int folder;       // that the file is in, or -1 where nothing is renamed
	char *unfinished; // its names in the folder; both are NULL where nothing is renamed
	char *name;
};

// Opens what is to become `path`. A terminal, a pipe and what standard output or error lead to are
// written to at once. Returns 0; -EPERM with `error` filled where somebody who is not trusted may
// have put a trap there; or another -errno with `error` filled. Must be finished or discarded.
int ebs_output_file_open(struct ebs_output_file *file, const char *path, struct ebs_error *error);

// Puts the file in its place, with the mode of the one that was there, else as the umask says, and
// closes it. Returns 0 or -errno; then nothing is left of it.
int ebs_output_file_finish(struct ebs_output_file *file);

// Removes what was written, and closes.
void ebs_output_file_discard(struct ebs_output_file *file);

#endif
