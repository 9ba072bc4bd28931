// SPDX-License-Identifier: GPL-2.0-only
// One buffer for all that goes to standard output, in the order in which it was written.
#ifndef EBS_SCRIPT_STANDARD_OUTPUT_H
#define EBS_SCRIPT_STANDARD_OUTPUT_H

#include <lua.h>
#include <stddef.h>

struct ebs_state;

// Puts streams in place of stdout and stderr whose writes go on when a signal comes. stdout has a
// buffer of 64 KiB, is written line by line to a terminal, else when the buffer is full, at the
// end, before the loop sleeps, and before anything goes to standard error. A write that fails, but
// for want of a reader, sets state->output_failed and makes Lua code end. Must come before Lua
// opens its io library. `state` must live as long as the streams are used.
void ebs_standard_output_init(struct ebs_state *state);

// Makes Lua's print() as cheap as io.write() in handlers, and lets io.read() and what starts other
// programs write the buffer first. Lua's libraries are open.
void ebs_open_standard_output(lua_State *L);

void ebs_standard_output_write(const char *data, size_t size);

// Writes what is buffered. Returns 0, or the -errno of the first write that failed since the start.
int ebs_standard_output_finish(void);

#endif
