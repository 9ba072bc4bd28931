// SPDX-License-Identifier: GPL-2.0-only
// Which blocks of the host are in use, and who asked for them.
#include "faults.h"

#include <execinfo.h>

#define SLOTS (1u << 18) // more than are ever in use
#define OWN   2          // calls: ours and the wrapped function

static struct block {
	uintptr_t address;
	unsigned long number;
	void *callers[OWN + BLOCK_CALLERS];
} blocks[SLOTS];
static unsigned long last_number, mark;

static size_t home(uintptr_t address)
{
	return (address >> 4) * 0x9e3779b97f4a7c15u >> 46;
}

void *block_remember(void *block)
{
	struct block new = { (uintptr_t)block, ++last_number };

	if (!block)
		return NULL;
	backtrace(new.callers, OWN + BLOCK_CALLERS);
	size_t at = home((uintptr_t)block);
	while (blocks[at].address && blocks[at].address != (uintptr_t)block)
		at = (at + 1) % SLOTS;
	blocks[at] = new;
	return block;
}

void block_forget(uintptr_t address)
{
	size_t at = home(address);

	while (blocks[at].address && blocks[at].address != address)
		at = (at + 1) % SLOTS;
	if (!blocks[at].address) // from a function that is not wrapped
		return;
	for (size_t next = at;;) { // those behind move up, or they would not be found any more
		next = (next + 1) % SLOTS;
		if (!blocks[next].address)
			break;
		size_t wanted = home(blocks[next].address);
		if ((next > at && (wanted <= at || wanted > next)) ||
		    (next < at && (wanted <= at && wanted > next))) {
			blocks[at] = blocks[next];
			at = next;
		}
	}
	blocks[at].address = 0;
}

void block_mark(void)
{
	mark = last_number;
}

void block_visit(void (*visit)(void *context, const uintptr_t *callers), void *context)
{
	for (size_t i = 0; i < SLOTS; i++) {
		uintptr_t callers[BLOCK_CALLERS + 1] = { 0 };

		if (!blocks[i].address || blocks[i].number <= mark)
			continue;
		// Where a call returns to is behind it.
		for (int j = 0; j < BLOCK_CALLERS && blocks[i].callers[OWN + j]; j++)
			callers[j] = fault_offset(blocks[i].callers[OWN + j]) - 1;
		visit(context, callers);
	}
}
