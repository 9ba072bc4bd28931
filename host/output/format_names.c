// SPDX-License-Identifier: GPL-2.0-only
// Formatters that give numbers their names: errors, signals, system calls, enums.
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "output/format_private.h"

// Made by the build from <asm/unistd.h>: by number, NULL where there is a gap.
extern const char *const ebs_syscall_names[];
extern const size_t ebs_syscall_count;

static size_t write_name(char out[EBS_FORMATTED_SIZE], const char *prefix, const char *name)
{
	int size = name ? snprintf(out, EBS_FORMATTED_SIZE, "%s%s", prefix, name) : 0;

	return size < EBS_FORMATTED_SIZE ? size : 0;
}

static size_t write_number(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value)
{
	if (value->kind != EBS_SCALAR_INTEGER)
		return 0;
	return snprintf(out, EBS_FORMATTED_SIZE, "%lld", (long long)value->integer);
}

// Of -ENOENT too; 0 and numbers without a name as they are.
size_t ebs_format_errno(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json)
{
	int64_t number = value->integer;
	size_t size = 0;

	if (value->kind == EBS_SCALAR_INTEGER && number && number > -4096 && number < 4096)
		size = write_name(out, "", strerrorname_np(number < 0 ? -number : number));
	return size ? size : write_number(out, value);
}

// What a function of the kernel returned: -errno, or a number that is no error.
size_t ebs_format_result(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json)
{
	return value->integer < 0 ? ebs_format_errno(out, value, json) : write_number(out, value);
}

size_t ebs_format_signal(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json)
{
	int64_t number = value->integer;
	int first = SIGRTMIN; // the C library keeps those before to itself
	size_t size = 0;

	if (value->kind != EBS_SCALAR_INTEGER)
		return 0;
	if (number > 0 && number < first)
		size = write_name(out, "SIG", sigabbrev_np(number));
	else if (number >= first && number <= SIGRTMAX)
		size = snprintf(out, EBS_FORMATTED_SIZE,
				number == first ? "SIGRTMIN" : "SIGRTMIN+%d", (int)number - first);
	return size ? size : write_number(out, value);
}

size_t ebs_format_syscall(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json)
{
	uint64_t number = (uint64_t)value->integer;

	if (value->kind != EBS_SCALAR_INTEGER)
		return 0;
	if (number < ebs_syscall_count && ebs_syscall_names[number])
		return write_name(out, "", ebs_syscall_names[number]);
	return snprintf(out, EBS_FORMATTED_SIZE, "syscall_%lld", (long long)value->integer);
}

const char *ebs_enum_name(const struct ebs_enum_names *names, int64_t value)
{
	size_t low = 0;
	size_t high = names ? names->count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (names->list[middle].value == value)
			return names->list[middle].name;
		if (names->list[middle].value < value)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

// A value without a name has none: it is written as it is.
size_t ebs_format_enum(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json)
{
	if (value->kind != EBS_SCALAR_INTEGER)
		return 0;
	return write_name(out, "", ebs_enum_name(value->names, value->integer));
}

// "A|B|0x8": the names of bits that are set, then what is left without one. Names of several bits
// don't count.
size_t ebs_format_flags(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json)
{
	uint64_t left = (uint64_t)value->integer;
	size_t size = 0;

	if (value->kind != EBS_SCALAR_INTEGER)
		return 0;
	if (!left && ebs_enum_name(value->names, 0))
		return ebs_format_enum(out, value, json);
	for (size_t i = 0; value->names && i < value->names->count; i++) {
		const struct ebs_enumerator *flag = &value->names->list[i];
		uint64_t bit = (uint64_t)flag->value;
		size_t length = strlen(flag->name);

		if (!bit || bit & (bit - 1) || !(left & bit) ||
		    size + length + sizeof("||0x0123456789abcdef") > EBS_FORMATTED_SIZE)
			continue;
		if (size)
			out[size++] = '|';
		memcpy(out + size, flag->name, length);
		size += length;
		left &= ~bit;
	}
	if (left || !size)
		size += snprintf(out + size, EBS_FORMATTED_SIZE - size, "%s0x%llx", size ? "|" : "",
				 (unsigned long long)left);
	return size;
}
