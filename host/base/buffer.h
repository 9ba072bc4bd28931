// SPDX-License-Identifier: GPL-2.0-only
// Bytes that grow at the end.
#ifndef EBS_BASE_BUFFER_H
#define EBS_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

// Start with { 0 }. Out of memory is remembered in `failed`: later appends do nothing, and who uses
// the bytes checks once, at the end. `data` is followed by a NUL that `size` does not count, and is
// NULL only while nothing was appended.
struct ebs_buffer {
	char *data;
	size_t size;
	size_t capacity;
	bool failed;
};

// Makes room for `size` more bytes and the NUL. Returns false when memory is short.
bool ebs_buffer_reserve(struct ebs_buffer *buffer, size_t size);

// Where the next `size` bytes go; who writes them adds to the size, and leaves a NUL behind them to
// the next append. NULL when memory is short.
static inline char *ebs_buffer_room(struct ebs_buffer *buffer, size_t size)
{
	bool fits = !buffer->failed && buffer->capacity - buffer->size > size;

	return fits || ebs_buffer_reserve(buffer, size) ? buffer->data + buffer->size : NULL;
}

void ebs_buffer_append(struct ebs_buffer *buffer, const void *data, size_t size);
void ebs_buffer_append_string(struct ebs_buffer *buffer, const char *text);
void ebs_buffer_append_char(struct ebs_buffer *buffer, char c);
__attribute__((format(printf, 2, 3))) void ebs_buffer_printf(struct ebs_buffer *buffer,
							     const char *format, ...);

// Appends all that can be read from `fd` until its end. Returns 0 or -errno.
int ebs_buffer_read_fd(struct ebs_buffer *buffer, int fd);

// Appends the file's content. Returns 0 or -errno.
int ebs_buffer_read_file(struct ebs_buffer *buffer, const char *path);

// Forgets the content, keeps the memory.
void ebs_buffer_clear(struct ebs_buffer *buffer);

// Frees the memory; the buffer can be used again.
void ebs_buffer_free(struct ebs_buffer *buffer);

// Hands the bytes over to the caller, who frees them with free(); the buffer is empty afterwards.
char *ebs_buffer_take(struct ebs_buffer *buffer);

#endif
