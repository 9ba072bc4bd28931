// SPDX-License-Identifier: GPL-2.0-only
// ebscript with memory that runs out on demand: linked between the program and its allocators (ld's
// --wrap), so that the program itself needs nothing for it.
//
// There are two kinds of allocations: those of the Lua state, and the host's, which are all others
// of the program and of the libraries that are linked into it. A fault makes the Nth from now on
// fail, and as many behind it as wanted. Lua collects all garbage when an allocation fails, and
// asks again: one failure of that kind is a full collection at that very place.
//
// A script has the table `faults`; EBS_FAULTS="KIND NTH COUNT" is a fault from the start on, and
// EBS_FAULTS_COLLECT=N a full collection at every Nth allocation that makes a block larger.
#ifndef EBS_TESTS_FAULTS_H
#define EBS_TESTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_kind { FAULT_LUA, FAULT_HOST };

extern const char *const fault_kinds[]; // up to a NULL

void fault_arm(enum fault_kind kind, unsigned long nth, unsigned long count);

// No more faults; gives how many there were.
unsigned long fault_disarm(void);

// Whether this allocation is to fail; errno is set then.
bool fault_is_due(enum fault_kind kind);

// What EBS_FAULTS_COLLECT says, else 0.
unsigned long fault_collect_every(void);

// The host's blocks that are in use. Both give the block back; NULL is none.
void *block_remember(void *block);
void block_forget(uintptr_t block);

// Only blocks that come from now on are told of by block_visit().
void block_mark(void);

enum { BLOCK_CALLERS = 6 };

// Calls `visit` with the addresses in the program that asked for each block, the innermost first,
// up to a 0.
void block_visit(void (*visit)(void *context, const uintptr_t *callers), void *context);

// An address as an offset from the program's start.
uintptr_t fault_offset(const void *address);

#endif
