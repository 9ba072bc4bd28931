// SPDX-License-Identifier: GPL-2.0-only
// libbpf's own words, kept for error texts or shown as they come.
#include "kernel/log.h"

#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"

static bool verbose_log;
static struct ebs_buffer warnings;

static int on_message(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char *text = NULL;

	if (level == LIBBPF_DEBUG && !verbose_log)
		return 0;
	int size = vasprintf(&text, format, arguments);
	if (size < 0)
		return 0;
	if (verbose_log)
		fputs(text, stderr);
	if (level == LIBBPF_WARN)
		ebs_buffer_append(&warnings, text, size);
	free(text);
	return size;
}

void ebs_log_init(bool verbose)
{
	verbose_log = verbose;
	libbpf_set_print(on_message);
}

void ebs_log_note(const char *format, ...)
{
	va_list arguments;

	if (!verbose_log)
		return;
	va_start(arguments, format);
	fputs("ebscript: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

void ebs_log_clear(void)
{
	ebs_buffer_clear(&warnings);
}

const char *ebs_log_text(void)
{
	return warnings.size ? warnings.data : "";
}
