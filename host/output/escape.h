// SPDX-License-Identifier: GPL-2.0-only
// Strings that a traced process chose, made safe for a terminal or for JSON.
#ifndef EBS_OUTPUT_ESCAPE_H
#define EBS_OUTPUT_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

// Printable ASCII that neither text nor JSON escapes: most strings are of that alone.
static inline bool ebs_is_plain_byte(char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

bool ebs_is_plain(const char *data, size_t size);

// Both append valid UTF-8 in which no character controls a terminal: neither C0, DEL and C1, nor
// those that turn the direction of writing (U+202A..U+202E, U+2066..U+2069). All else stays as it
// is.

// Such characters become \n, \r, \t, \xNN or \u{NNNN}, bytes that are no UTF-8 \xNN. A backslash
// stays single: the text is for eyes, and Windows-like paths and regular expressions should read
// well.
void ebs_escape_text(struct ebs_buffer *out, const char *data, size_t size);

// The inside of a JSON string, without its quotes. What is no UTF-8 becomes U+FFFD, one for each
// maximal part of a character, as the Unicode standard recommends.
void ebs_escape_json(struct ebs_buffer *out, const char *data, size_t size);

#endif
