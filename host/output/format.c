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

static uint64_t rounded(uint64_t number, uint64_t unit)
{
	return number / unit + (number % unit >= unit - unit / 2);
}

// From a minute on, two units: "2m05s", "3d04h". They are rounded before a unit is chosen: what is
// nearly an hour is one.
static size_t write_long_duration(char out[EBS_FORMATTED_SIZE], const char *sign, uint64_t ns)
{
	static const struct {
		uint64_t ns;    // of the smaller unit
		unsigned per;   // of the smaller unit in the larger one
		uint64_t below; // in the smaller unit
		char larger, smaller;
	} units[] = {
		{ UINT64_C(1000000000), 60, 3600, 'm', 's' },
		{ UINT64_C(60000000000), 60, 1440, 'h', 'm' },
		{ UINT64_C(3600000000000), 24, UINT64_MAX, 'd', 'h' },
	};
	int unit = 0;

	while (rounded(ns, units[unit].ns) >= units[unit].below)
		unit++;
	uint64_t number = rounded(ns, units[unit].ns);
	return snprintf(out, EBS_FORMATTED_SIZE, "%s%llu%c%02llu%c", sign,
			(unsigned long long)number / units[unit].per, units[unit].larger,
			(unsigned long long)number % units[unit].per, units[unit].smaller);
}

// Three digits and a unit: "0ns" to "999ms", "59.9s".
static size_t format_duration(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value,
			      bool json)
{
	static const struct {
		uint64_t ns;    // of the last digit
		uint64_t below; // of these
		unsigned point; // what a whole unit has of them
		const char *unit;
	} steps[] = {
		{ 1, 1000, 1, "ns" },        { 10, 1000, 100, "us" },
		{ 100, 1000, 10, "us" },     { 1000, 1000, 1, "us" },
		{ 10000, 1000, 100, "ms" },  { 100000, 1000, 10, "ms" },
		{ 1000000, 1000, 1, "ms" },  { 10000000, 1000, 100, "s" },
		{ 100000000, 600, 10, "s" },
	};
	const char *sign = value->integer < 0 ? "-" : "";
	uint64_t ns = value->integer < 0 ? -(uint64_t)value->integer : (uint64_t)value->integer;

	if (!is_integer(value))
		return 0;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		unsigned number = (unsigned)rounded(ns, steps[i].ns);
		unsigned point = steps[i].point;

		if (rounded(ns, steps[i].ns) >= steps[i].below)
			continue;
		if (point == 1)
			return snprintf(out, EBS_FORMATTED_SIZE, "%s%u%s", sign, number,
					steps[i].unit);
		return snprintf(out, EBS_FORMATTED_SIZE, "%s%u.%0*u%s", sign, number / point,
				point == 100 ? 2 : 1, number % point, steps[i].unit);
	}
	return write_long_duration(out, sign, ns);
}

// With one decimal, rounded before the unit is chosen.
static size_t format_size(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	uint64_t size = (uint64_t)value->integer;
	uint64_t tenths;
	int unit = 0;

	if (!is_integer(value))
		return 0;
	if (size < 1024)
		return snprintf(out, EBS_FORMATTED_SIZE, "%lluB", (unsigned long long)size);
	for (;; unit++) {
		uint64_t bytes = UINT64_C(1024) << unit * 10;

		// The remainder is below 2^60, so that ten times it fits.
		tenths = size / bytes * 10 + (size % bytes * 10 + bytes / 2) / bytes;
		if (tenths < 10240 || unit == 5)
			break;
	}
	return snprintf(out, EBS_FORMATTED_SIZE, "%llu.%llu%s", (unsigned long long)tenths / 10,
			(unsigned long long)tenths % 10, units[unit]);
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
