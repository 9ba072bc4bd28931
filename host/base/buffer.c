// SPDX-License-Identifier: GPL-2.0-only
// Bytes that grow at the end.
#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool ebs_buffer_reserve(struct ebs_buffer *buffer, size_t size)
{
	size_t needed = buffer->size + size + 1;

	if (buffer->failed)
		return false;
	if (needed <= buffer->capacity)
		return true;

	size_t capacity = buffer->capacity ? buffer->capacity : 64;
	while (capacity < needed)
		capacity *= 2;
	char *data = realloc(buffer->data, capacity);
	if (!data) {
		buffer->failed = true;
		return false;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

void ebs_buffer_append(struct ebs_buffer *buffer, const void *data, size_t size)
{
	if (!ebs_buffer_reserve(buffer, size))
		return;
	if (size)
		memcpy(buffer->data + buffer->size, data, size);
	buffer->size += size;
	buffer->data[buffer->size] = '\0';
}

void ebs_buffer_append_string(struct ebs_buffer *buffer, const char *text)
{
	ebs_buffer_append(buffer, text, strlen(text));
}

void ebs_buffer_append_char(struct ebs_buffer *buffer, char c)
{
	ebs_buffer_append(buffer, &c, 1);
}

void ebs_buffer_printf(struct ebs_buffer *buffer, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int size = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (size < 0 || !ebs_buffer_reserve(buffer, size)) {
		buffer->failed = true;
		return;
	}
	va_start(arguments, format);
	vsnprintf(buffer->data + buffer->size, size + 1, format, arguments);
	va_end(arguments);
	buffer->size += size;
}

int ebs_buffer_read_fd(struct ebs_buffer *buffer, int fd)
{
	struct stat status;
	bool known = !fstat(fd, &status) && S_ISREG(status.st_mode) && status.st_size > 0;
	size_t piece = 65536;

	// One byte more, so that the end is seen without growing. The kernel's own files tell no
	// size, or that of a page.
	if (known && (uint64_t)status.st_size < piece)
		piece = status.st_size + 1;
	while (ebs_buffer_reserve(buffer, piece)) {
		size_t room = buffer->capacity - buffer->size - 1;
		ssize_t size = read(fd, buffer->data + buffer->size, room);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return -errno;
		buffer->size += size;
		buffer->data[buffer->size] = '\0';
		if (size == 0)
			return 0;
		piece = 1; // when it is full it doubles
	}
	return -ENOMEM;
}

int ebs_buffer_read_file(struct ebs_buffer *buffer, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = ebs_buffer_read_fd(buffer, fd);
	close(fd);
	return error;
}

void ebs_buffer_clear(struct ebs_buffer *buffer)
{
	buffer->size = 0;
	buffer->failed = false;
	if (buffer->data)
		buffer->data[0] = '\0';
}

void ebs_buffer_free(struct ebs_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct ebs_buffer){ 0 };
}

char *ebs_buffer_take(struct ebs_buffer *buffer)
{
	char *data = buffer->data;

	*buffer = (struct ebs_buffer){ 0 };
	return data;
}
