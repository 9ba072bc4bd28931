// SPDX-License-Identifier: GPL-2.0-only
// Standard output that signals don't cut.
#ifndef EBS_SCRIPT_STANDARD_OUTPUT_H
#define EBS_SCRIPT_STANDARD_OUTPUT_H

// Puts a stream in place of stdout whose writes go on when a signal comes: the host's signal
// handlers interrupt system calls, and stdio would drop what it was about to write. Must come
// before Lua opens its io library.
void ebs_standard_output_init(void);

// Writes what is buffered. Returns 0, or the -errno of the first write that failed since the start.
int ebs_standard_output_finish(void);

#endif
