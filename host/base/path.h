// SPDX-License-Identifier: GPL-2.0-only
// Where the files are that ship with the program.
#ifndef EBS_BASE_PATH_H
#define EBS_BASE_PATH_H

#include <stdbool.h>

// Both return an absolute path that exists, owned by the caller, or NULL with errno set. They look
// beside the running program (the build tree), then in the prefix that its bin/ belongs to (an
// installation); no environment variable changes that.

// Below share/ebscript: "scripts/hello.lua", "bpf-templates", "include".
char *ebs_path_share(const char *relative);

// Below lib/ebscript: "ebscript-clang.so".
char *ebs_path_lib(const char *relative);

// Whether an absolute path leads to such a file by its letters: through no "..".
bool ebs_path_is_shipped(const char *path);

// The folder that `path` names a file in, owned by the caller; "." when it names none; NULL out of
// memory.
char *ebs_path_directory(const char *path);

#endif
