// SPDX-License-Identifier: GPL-2.0-only
// What the program calls in place of the C library's functions that allocate.
#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_reallocarray(void *block, size_t count, size_t size);
void __real_free(void *block);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
int __real_vasprintf(char **out, const char *format, va_list arguments);
char *__real_realpath(const char *path, char *resolved);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__real_fopen64(const char *path, const char *mode);
DIR *__real_opendir(const char *path);
DIR *__real_fdopendir(int fd);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_reallocarray(void *block, size_t count, size_t size);
void __wrap_free(void *block);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
int __wrap_vasprintf(char **out, const char *format, va_list arguments);
int __wrap_asprintf(char **out, const char *format, ...);
char *__wrap_realpath(const char *path, char *resolved);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);
DIR *__wrap_opendir(const char *path);
DIR *__wrap_fdopendir(int fd);

void *__wrap_malloc(size_t size)
{
	return fault_is_due(FAULT_HOST) ? NULL : block_remember(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fault_is_due(FAULT_HOST) ? NULL : block_remember(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size)
{
	uintptr_t old = (uintptr_t)block;

	if (size && fault_is_due(FAULT_HOST))
		return NULL;
	void *new = __real_realloc(block, size);
	if (old && (new || !size))
		block_forget(old);
	return block_remember(new);
}

void *__wrap_reallocarray(void *block, size_t count, size_t size)
{
	uintptr_t old = (uintptr_t)block;

	if (fault_is_due(FAULT_HOST))
		return NULL;
	void *new = __real_reallocarray(block, count, size);
	if (old && (new || !size || !count))
		block_forget(old);
	return block_remember(new);
}

void __wrap_free(void *block)
{
	int number = errno;

	block_forget((uintptr_t)block);
	__real_free(block);
	errno = number;
}

char *__wrap_strdup(const char *text)
{
	return fault_is_due(FAULT_HOST) ? NULL : block_remember(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t size)
{
	return fault_is_due(FAULT_HOST) ? NULL : block_remember(__real_strndup(text, size));
}

static int print_new(char **out, const char *format, va_list arguments)
{
	*out = (char *)1; // what it is after a failure nobody may rely on
	if (fault_is_due(FAULT_HOST))
		return -1;
	int size = __real_vasprintf(out, format, arguments);
	if (size >= 0)
		block_remember(*out);
	return size;
}

int __wrap_vasprintf(char **out, const char *format, va_list arguments)
{
	return print_new(out, format, arguments);
}

int __wrap_asprintf(char **out, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int size = print_new(out, format, arguments);
	va_end(arguments);
	return size;
}

char *__wrap_realpath(const char *path, char *resolved)
{
	if (fault_is_due(FAULT_HOST))
		return NULL;
	char *result = __real_realpath(path, resolved);
	return resolved ? result : block_remember(result);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
	return fault_is_due(FAULT_HOST) ? NULL : __real_fopen(path, mode);
}

FILE *__wrap_fopen64(const char *path, const char *mode)
{
	return fault_is_due(FAULT_HOST) ? NULL : __real_fopen64(path, mode);
}

DIR *__wrap_opendir(const char *path)
{
	return fault_is_due(FAULT_HOST) ? NULL : __real_opendir(path);
}

DIR *__wrap_fdopendir(int fd)
{
	return fault_is_due(FAULT_HOST) ? NULL : __real_fdopendir(fd);
}
