// SPDX-License-Identifier: GPL-2.0-only
// An executable or library that is opened once, for look-ups and for the kernel.
#ifndef EBS_BINARY_FILE_H
#define EBS_BINARY_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"

struct ebs_binary;

// Opens an ELF file by path. NULL with `error` filled.
struct ebs_binary *ebs_binary_open(const char *path, struct ebs_error *error);

// Opens what somebody calls by path or by name ("bash", "libc.so.6", "c"). With a `pid` that is the
// file that this process has mapped, also when another file has that path by now; `pid` 0 or below:
// no certain process. NULL with `error` filled.
struct ebs_binary *ebs_binary_open_name(const char *name, pid_t pid, struct ebs_error *error);

// NULL is none.
void ebs_binary_close(struct ebs_binary *binary);

// What messages call the file. Lives as long as the binary, as the next one's does.
const char *ebs_binary_name(const struct ebs_binary *binary);

// A path by which the kernel gets this very file, whatever has the name by now.
const char *ebs_binary_path(const struct ebs_binary *binary);

// Whether Go's linker made it. Go moves its stacks, and finds a return address that a return probe
// has changed.
bool ebs_binary_is_go(const struct ebs_binary *binary);

// Appends to `pids` the processes that run an older file of the same path, with commas between.
// Only those that are older than the file are looked at. Returns how many there are.
unsigned ebs_binary_old_users(const struct ebs_binary *binary, struct ebs_buffer *pids);

#endif
