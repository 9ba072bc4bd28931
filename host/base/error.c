// SPDX-License-Identifier: GPL-2.0-only
// Filling in and clearing of struct ebs_error.
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fill(struct ebs_error *error, const char *code, const char *suffix, const char *format,
		 va_list arguments)
{
	char *text = NULL;

	if (!error || ebs_error_is_set(error))
		return;
	snprintf(error->code, sizeof(error->code), "%s", code);
	if (vasprintf(&text, format, arguments) < 0)
		return; // the code alone is left to tell
	if (suffix && asprintf(&error->text, "%s: %s", text, suffix) >= 0)
		free(text);
	else
		error->text = text;
}

static const char *errno_name(int number)
{
	const char *name = number == ENOTSUPP ? "ENOTSUPP" : strerrorname_np(number);

	return name ? name : "EUNKNOWN";
}

// libbpf's own numbers, enum libbpf_errno of <bpf/libbpf_legacy.h>, which the C library can't name.
static const char *libbpf_words(int number)
{
	static const char *const words[] = {
		"libelf failed",
		"the object is of a form that libbpf doesn't take",
		"the object has no version of the kernel, or a wrong one",
		"the object is of another byte order",
		"libbpf contradicts itself",
		"a relocation of the object can't be made",
		"the program can't be loaded",
		"the verifier refuses the program",
		"the program is too large",
		"the object is for another version of the kernel",
		"the program is of a kind that the kernel doesn't know",
		"the kernel's answer was for another process",
		"the kernel's answer was for another question",
		"the kernel's answer can't be read",
	};
	size_t index = (size_t)number - 4000;

	return number >= 4000 && index < sizeof(words) / sizeof(words[0]) ? words[index] : NULL;
}

const char *ebs_error_words(int number)
{
	if (libbpf_words(number))
		return libbpf_words(number);
	return strerror(number == ENOTSUPP ? EOPNOTSUPP : number);
}

int ebs_error_set(struct ebs_error *error, const char *code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fill(error, code, NULL, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

int ebs_error_errno(struct ebs_error *error, int number, const char *format, ...)
{
	va_list arguments;

	number = abs(number);
	va_start(arguments, format);
	fill(error, errno_name(number), ebs_error_words(number), format, arguments);
	va_end(arguments);
	return -number;
}

int ebs_error_explain(struct ebs_error *error, int number, const char *format, ...)
{
	va_list arguments;

	number = abs(number);
	va_start(arguments, format);
	fill(error, errno_name(number), NULL, format, arguments);
	va_end(arguments);
	return -number;
}

bool ebs_error_is_set(const struct ebs_error *error)
{
	return error->code[0] != '\0';
}

const char *ebs_error_text(const struct ebs_error *error)
{
	return error->text ? error->text : "";
}

void ebs_error_clear(struct ebs_error *error)
{
	free(error->text);
	*error = (struct ebs_error){ 0 };
}
