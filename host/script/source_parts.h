// SPDX-License-Identifier: GPL-2.0-only
// C that was put together from several strings of a Lua file: which lines it has there.
#ifndef EBS_SCRIPT_SOURCE_PARTS_H
#define EBS_SCRIPT_SOURCE_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "script/literals.h"

// Puts blank lines and blanks behind line `line`, so that what follows stands where the literal
// does in its file.
void ebs_source_pad(struct ebs_buffer *out, const struct ebs_literal *literal, int line);

// Where the text consists of nothing but strings of the file, in the file's order, each of whose
// texts stands there once: writes it into `out`, which is empty, each string at the lines that it
// has in the file. Else returns false and leaves `out` empty.
bool ebs_source_join(const char *file, size_t file_size, const char *text, size_t size,
		     struct ebs_buffer *out);

#endif
