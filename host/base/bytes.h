// SPDX-License-Identifier: GPL-2.0-only
// A block of bytes that others have made, read from its front: BTF, ELF, a cache entry, a note.
//
// The bytes must not change meanwhile: a file is read into memory of our own first, and memory that
// others write has base/shared.h. Each function takes all that it is asked for, or takes nothing
// and says so. So an offset or a length may come from the block itself, however large it is.
#ifndef EBS_BASE_BYTES_H
#define EBS_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ebs_bytes {
	const uint8_t *data; // the caller's
	size_t size;         // what is left of them
};

static inline struct ebs_bytes ebs_bytes_of(const void *data, size_t size)
{
	return (struct ebs_bytes){ data, size };
}

// Takes `size` bytes; `taken` may be NULL. False when fewer are left.
static inline bool ebs_bytes_take(struct ebs_bytes *bytes, uint64_t size, struct ebs_bytes *taken)
{
	if (size > bytes->size)
		return false;
	if (taken)
		*taken = ebs_bytes_of(bytes->data, (size_t)size);
	if (size)
		*bytes = ebs_bytes_of(bytes->data + size, bytes->size - (size_t)size);
	return true;
}

// The `size` bytes at `offset`, and takes nothing. False when not all of them are there.
static inline bool ebs_bytes_part(struct ebs_bytes bytes, uint64_t offset, uint64_t size,
				  struct ebs_bytes *part)
{
	return ebs_bytes_take(&bytes, offset, NULL) && ebs_bytes_take(&bytes, size, part);
}

// Copies a number or a struct, which lie unaligned in the block and in this machine's byte order.
// False, and nothing is written, when fewer bytes are left.
static inline bool ebs_bytes_copy(struct ebs_bytes *bytes, void *to, size_t size)
{
	struct ebs_bytes taken;

	if (!ebs_bytes_take(bytes, size, &taken))
		return false;
	if (size)
		memcpy(to, taken.data, size);
	return true;
}

// Takes a text with its NUL. NULL when no NUL is left.
static inline const char *ebs_bytes_text(struct ebs_bytes *bytes)
{
	const uint8_t *end = bytes->size ? memchr(bytes->data, '\0', bytes->size) : NULL;
	struct ebs_bytes taken;

	if (!end || !ebs_bytes_take(bytes, (size_t)(end - bytes->data) + 1, &taken))
		return NULL;
	return (const char *)taken.data;
}

#endif
