// SPDX-License-Identifier: GPL-2.0-only
// Files in general: whole writes, single numbers, standard input and output, how many may be open,
// closing the rest.
#ifndef EBS_BASE_FILE_H
#define EBS_BASE_FILE_H

#include <stddef.h>

// Writes all of it, however many calls that takes. Returns 0 or -errno.
int ebs_write_all(int fd, const void *data, size_t size);

// The number that a file like those of /proc/sys begins with; `otherwise` where there is none.
int ebs_read_number(const char *path, int otherwise);

// Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed, before another file takes
// its number. Returns 0 or -errno.
int ebs_open_standard_files(void);

// Whether the process may open `count` more files just now. Returns 0, else -EMFILE or -ENFILE.
// Who asks the kernel by a failure what it can do asks this before.
int ebs_need_files(unsigned count);

// Closes all descriptors from this one on.
void ebs_close_from(int first);

// For messages: how many files the process may have open, and how to raise that.
const char *ebs_open_files_limit(void);

#endif
