// SPDX-License-Identifier: GPL-2.0-only
// Whole writes; how many files may be open.
#ifndef EBS_BASE_FILE_H
#define EBS_BASE_FILE_H

#include <stddef.h>

// Writes all of it, however many calls that takes. Returns 0 or -errno.
int ebs_write_all(int fd, const void *data, size_t size);

// For messages: how many files the process may have open, and how to raise that.
const char *ebs_open_files_limit(void);

#endif
