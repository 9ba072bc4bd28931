// SPDX-License-Identifier: GPL-2.0-only
// What LLVM says about the C in the moment in which it ends the process.
#ifndef EBS_COMPILE_LAST_WORDS_H
#define EBS_COMPILE_LAST_WORDS_H

#include <stdbool.h>

#include "base/error.h"

// Finds the place in the C in `words`, the compiler's standard error, and sets `error` to a message
// like clang's own: "NAME:LINE:COLUMN: error: ...", code "COMPILE". What clang itself had said
// before, `messages`, comes first. Either text may be NULL. Returns false, and leaves `error`
// alone, where the words name no place.
bool ebs_last_words_blame(const char *messages, const char *words, struct ebs_error *error);

#endif
