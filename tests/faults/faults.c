// SPDX-License-Identifier: GPL-2.0-only
// Which allocation is to fail.
#include "faults.h"

#include <errno.h>
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEEPEST 12 // calls that are looked at

extern const char __ehdr_start[];

const char *const fault_kinds[] = { "lua", "host", NULL };

static struct {
	enum fault_kind kind;
	unsigned long nth;   // 0: none
	unsigned long count; // that fail, from the nth on
	unsigned long seen;  // of the kind, since it was armed
	unsigned long failed;
} fault;

static unsigned long collect_every;
static bool told;
static pid_t told_by;

void fault_arm(enum fault_kind kind, unsigned long nth, unsigned long count)
{
	memset(&fault, 0, sizeof(fault));
	fault.kind = kind;
	fault.nth = nth;
	fault.count = count;
}

static void __attribute__((constructor)) read_environment(void)
{
	const char *text = getenv("EBS_FAULTS");
	const char *every = getenv("EBS_FAULTS_COLLECT");
	char kind[8];
	unsigned long nth, count;

	if (text && sscanf(text, "%7s %lu %lu", kind, &nth, &count) == 3)
		fault_arm(strcmp(kind, "lua") ? FAULT_HOST : FAULT_LUA, nth, count);
	if (every)
		collect_every = strtoul(every, NULL, 10);
	told = text;
	told_by = getpid();
}

// How many failed, for who set EBS_FAULTS.
static void __attribute__((destructor)) tell(void)
{
	char line[40];
	int size = snprintf(line, sizeof(line), "faults: %lu\n", fault.failed);

	if (told && getpid() == told_by && write(STDERR_FILENO, line, size) != size)
		abort();
}

// Functions that can't stand it, also in what they call: address ranges of other people's code,
// told by the test, which knows the program's symbols. EBS_FAULTS_SPARE="BEGIN-END ...",
// hexadecimal, from the program's start.
static bool is_spared(void *const *callers, int depth)
{
	static struct {
		uintptr_t begin, end;
	} spared[16];
	static int count = -1;

	if (count < 0) {
		const char *text = getenv("EBS_FAULTS_SPARE");
		int length;

		for (count = 0; text && count < 16 &&
				sscanf(text, "%lx-%lx%n", &spared[count].begin, &spared[count].end,
				       &length) == 2;
		     count++)
			text += length;
	}
	for (int i = 0; i < depth * count; i++) {
		uintptr_t place = fault_offset(callers[i / count]);

		if (place >= spared[i % count].begin && place < spared[i % count].end)
			return true;
	}
	return false;
}

bool fault_is_due(enum fault_kind kind)
{
	void *callers[DEEPEST];

	if (!fault.nth || kind != fault.kind)
		return false;
	if (kind == FAULT_HOST && is_spared(callers, backtrace(callers, DEEPEST)))
		return false;
	fault.seen++;
	if (fault.seen < fault.nth || fault.seen - fault.nth >= fault.count)
		return false;
	fault.failed++;
	errno = ENOMEM;
	return true;
}

unsigned long fault_disarm(void)
{
	fault.nth = 0;
	return fault.failed;
}

unsigned long fault_collect_every(void)
{
	return collect_every;
}

uintptr_t fault_offset(const void *address)
{
	return (uintptr_t)address - (uintptr_t)__ehdr_start;
}
