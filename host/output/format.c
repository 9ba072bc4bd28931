// SPDX-License-Identifier: GPL-2.0-only
// The table of formatters, and those of addresses and amounts.
#include "output/format.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "output/format_private.h"
#include "output/number.h"

static bool is_integer(const struct ebs_scalar *value)
{
	return value->kind == EBS_SCALAR_INTEGER;
}

// An address's bytes as they are sent, or a __be32 that was read as an integer.
static size_t format_ip(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json)
{
	uint32_t word = (uint32_t)value->integer;
	const void *bytes = is_integer(value) ? (const char *)&word : value->data;
	size_t size = is_integer(value) ? sizeof(word) : value->size;

	if ((size != 4 && size != 16) || (is_integer(value) && value->integer != word))
		return 0;
	return inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, out, EBS_FORMATTED_SIZE)
		       ? strlen(out)
		       : 0;
}

static size_t format_mac(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json)
{
	const unsigned char *b = (const unsigned char *)value->data;

	if (is_integer(value) || value->size != 6)
		return 0;
	return snprintf(out, EBS_FORMATTED_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2],
			b[3], b[4], b[5]);
}

static size_t format_port(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json)
{
	uint16_t port = (uint16_t)value->integer;

	if (!is_integer(value) || value->integer != port)
		return 0;
	return snprintf(out, EBS_FORMATTED_SIZE, "%u", ntohs(port));
}

static size_t format_hex(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json)
{
	if (is_integer(value))
		return snprintf(out, EBS_FORMATTED_SIZE, "0x%llx",
				(unsigned long long)value->integer);
	if (!value->size || value->size > EBS_FORMATTED_SIZE / 2)
		return 0;
	for (size_t i = 0; i < value->size; i++) {
		unsigned char byte = value->data[i];
		out[i * 2] = "0123456789abcdef"[byte >> 4];
		out[i * 2 + 1] = "0123456789abcdef"[byte & 0xf];
	}
	return value->size * 2;
}

static size_t format_unsigned(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value,
			      bool json)
{
	char text[EBS_DECIMAL_SIZE];
	char *begin = ebs_decimal(text + sizeof(text), (uint64_t)value->integer);
	size_t size = text + sizeof(text) - begin;

	if (!is_integer(value))
		return 0;
	memcpy(out, begin, size);
	return size;
}

// Three digits and a unit: "0ns" to "999ms", "59.9s"; from a minute on two units: "2m05s", "3d04h".
static size_t format_duration(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value,
			      bool json)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	const char *sign = value->integer < 0 ? "-" : "";
	uint64_t ns = value->integer < 0 ? -(uint64_t)value->integer : (uint64_t)value->integer;
	uint64_t seconds = ns / 1000000000;
	uint64_t unit_ns = 1;
	int unit = 0;

	if (!is_integer(value))
		return 0;
	if (seconds >= 86400)
		return snprintf(out, EBS_FORMATTED_SIZE,
				"%s%llud%02llu"
				"h",
				sign, (unsigned long long)seconds / 86400,
				(unsigned long long)seconds / 3600 % 24);
	if (seconds >= 3600)
		return snprintf(out, EBS_FORMATTED_SIZE, "%s%lluh%02llum", sign,
				(unsigned long long)seconds / 3600,
				(unsigned long long)seconds / 60 % 60);
	if (seconds >= 60)
		return snprintf(out, EBS_FORMATTED_SIZE, "%s%llum%02llus", sign,
				(unsigned long long)seconds / 60, (unsigned long long)seconds % 60);
	for (; unit < 3 && ns >= unit_ns * 1000; unit++)
		unit_ns *= 1000;
	// Cut, not rounded: 999999 ns are no 1000us.
	unsigned whole = ns / unit_ns;
	unsigned hundredths = ns % unit_ns * 100 / unit_ns;
	if (unit == 0 || whole >= 100)
		return snprintf(out, EBS_FORMATTED_SIZE, "%s%u%s", sign, whole, units[unit]);
	if (whole >= 10)
		return snprintf(out, EBS_FORMATTED_SIZE, "%s%u.%u%s", sign, whole, hundredths / 10,
				units[unit]);
	return snprintf(out, EBS_FORMATTED_SIZE, "%s%u.%02u%s", sign, whole, hundredths,
			units[unit]);
}

static size_t format_size(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	uint64_t size = (uint64_t)value->integer;
	int unit = 0;

	if (!is_integer(value))
		return 0;
	if (size < 1024)
		return snprintf(out, EBS_FORMATTED_SIZE, "%lluB", (unsigned long long)size);
	for (; size >= 1024 * 1024; unit++)
		size /= 1024;
	return snprintf(out, EBS_FORMATTED_SIZE, "%llu.%llu%s", (unsigned long long)size / 1024,
			(unsigned long long)size % 1024 * 10 / 1024, units[unit]);
}

const struct ebs_formatter ebs_formatters[] = {
	{ "boottime", "nanoseconds of CLOCK_BOOTTIME", EBS_JSON_TEXT, false, ebs_format_boottime },
	{ "duration", "nanoseconds", EBS_JSON_RAW, false, format_duration },
	{ "enum", "an integer", EBS_JSON_TEXT, true, ebs_format_enum },
	{ "errno", "the number of an error", EBS_JSON_RAW, false, ebs_format_errno },
	{ "flags", "an integer", EBS_JSON_RAW, true, ebs_format_flags },
	{ "hex", "an integer, or up to 128 bytes", EBS_JSON_TEXT, false, format_hex },
	{ "ip", "an address: 4 or 16 bytes, or 32 bits in network order", EBS_JSON_TEXT, false,
	  format_ip },
	{ "mac", "an address of 6 bytes", EBS_JSON_TEXT, false, format_mac },
	{ "port", "16 bits in network order", EBS_JSON_NUMBER, false, format_port },
	{ "result", "an integer", EBS_JSON_RAW, false, ebs_format_result },
	{ "signal", "the number of a signal", EBS_JSON_RAW, false, ebs_format_signal },
	{ "size", "a number of bytes", EBS_JSON_RAW, false, format_size },
	{ "syscall", "the number of a system call", EBS_JSON_TEXT, false, ebs_format_syscall },
	{ "time", "nanoseconds of CLOCK_MONOTONIC", EBS_JSON_TEXT, false, ebs_format_time },
	{ "unsigned", "an integer", EBS_JSON_NUMBER, false, format_unsigned },
	{ 0 },
};

const struct ebs_formatter *ebs_formatter_find(const char *name, size_t size)
{
	for (const struct ebs_formatter *one = ebs_formatters; one->name; one++)
		if (strlen(one->name) == size && memcmp(one->name, name, size) == 0)
			return one;
	return NULL;
}
