// SPDX-License-Identifier: GPL-2.0-only
// One buffer for all that goes to standard output, in the order in which it was written.
#ifndef EBS_SCRIPT_STANDARD_OUTPUT_H
#define EBS_SCRIPT_STANDARD_OUTPUT_H

#include <lua.h>
#include <stddef.h>

struct ebs_state;

// Puts streams in place of stdout and stderr whose writes go on when a signal comes. stdout has a
// buffer of 64 KiB, is written line by line to a terminal, else when the buffer is full, at the
// end, before the loop sleeps, and before anything goes to standard error. A write that fails sets
// state->output_failed and makes Lua code end. After a signal, a reader that takes nothing for 200
// ms is given up, and lines are counted in place of being written. Must come before Lua opens its
// io library. `state` must live as long as the streams are used.
void ebs_standard_output_init(struct ebs_state *state);

// Makes Lua's print() as cheap as io.write() in handlers, and lets io.read() and what starts other
// programs write the buffer first. Lua's libraries are open.
void ebs_open_standard_output(lua_State *L);

void ebs_standard_output_write(const char *data, size_t size);

// Writes what is buffered, and tells on standard error what could not be written since the start.
// Returns 0, or -EIO when there is such.
int ebs_standard_output_finish(const struct ebs_state *state);

#endif
