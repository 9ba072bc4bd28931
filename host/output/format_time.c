// SPDX-License-Identifier: GPL-2.0-only
// Formatters of moments: the kernel's clocks to the time of day.
#include <string.h>
#include <time.h>

#include "output/format_private.h"

#define NS_PER_SECOND INT64_C(1000000000)

static int64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * NS_PER_SECOND + time.tv_nsec;
}

// How far a clock is behind the time of day: looked at anew once a second, as somebody may set it.
struct offset {
	clockid_t clock;
	int64_t ns;
	int64_t looked_at; // by CLOCK_MONOTONIC_COARSE; 0: never
};

static int64_t offset_ns(struct offset *offset)
{
	int64_t coarse = now(CLOCK_MONOTONIC_COARSE);

	if (!offset->looked_at || coarse - offset->looked_at >= NS_PER_SECOND) {
		offset->ns = now(CLOCK_REALTIME) - now(offset->clock);
		offset->looked_at = coarse;
	}
	return offset->ns;
}

// The broken-down second is kept: thousands of rows have the same.
static size_t write_second(char out[EBS_FORMATTED_SIZE], time_t second, bool json)
{
	static struct {
		time_t second;
		size_t size; // 0: nothing kept yet
		char text[32];
	} kept[2]; // local time, UTC
	struct tm parts;

	if (!kept[json].size || kept[json].second != second) {
		const char *form = json ? "%Y-%m-%dT%H:%M:%S" : "%H:%M:%S";

		if (!(json ? gmtime_r(&second, &parts) : localtime_r(&second, &parts)))
			return 0;
		kept[json].size = strftime(kept[json].text, sizeof(kept[json].text), form, &parts);
		kept[json].second = second;
	}
	memcpy(out, kept[json].text, kept[json].size);
	return kept[json].size;
}

// "12:34:56.789012" here; in JSON "2026-01-31T11:34:56.789012Z".
static size_t write_time(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json,
			 struct offset *offset)
{
	int64_t ns;

	if (value->kind != EBS_SCALAR_INTEGER ||
	    __builtin_add_overflow(value->integer, offset_ns(offset), &ns) || ns < 0)
		return 0;
	size_t size = write_second(out, ns / NS_PER_SECOND, json);
	unsigned microseconds = ns % NS_PER_SECOND / 1000;
	if (!size)
		return 0;
	out[size++] = '.';
	for (int i = 5; i >= 0; i--) {
		out[size + i] = '0' + microseconds % 10;
		microseconds /= 10;
	}
	size += 6;
	if (json)
		out[size++] = 'Z';
	return size;
}

size_t ebs_format_time(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json)
{
	static struct offset offset = { .clock = CLOCK_MONOTONIC };

	return write_time(out, value, json, &offset);
}

size_t ebs_format_boottime(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json)
{
	static struct offset offset = { .clock = CLOCK_BOOTTIME };

	return write_time(out, value, json, &offset);
}
