// SPDX-License-Identifier: GPL-2.0-only
// The signals of the process, whatever it was started with.
#ifndef EBS_BASE_SIGNALS_H
#define EBS_BASE_SIGNALS_H

// No signal is blocked. SIGPIPE ends the process, and children can be waited for. A file that may
// not grow is an error of the write. What else is ignored stays so. For the start of main().
void ebs_signals_settle(void);

#endif
