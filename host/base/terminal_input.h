// SPDX-License-Identifier: GPL-2.0-only
// Typing into a terminal in place of its user.
#ifndef EBS_BASE_TERMINAL_INPUT_H
#define EBS_BASE_TERMINAL_INPUT_H

// From now on neither this thread nor what it starts can put input into a terminal that it has
// open, where root's shell would read it (TIOCSTI; TIOCLINUX pastes). Needs no_new_privs. Returns
// 0 or -errno.
int ebs_terminal_input_forbid(void);

#endif
