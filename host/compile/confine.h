// SPDX-License-Identifier: GPL-2.0-only
// Taking away from a process what a compile doesn't need.
#ifndef EBS_COMPILE_CONFINE_H
#define EBS_COMPILE_CONFINE_H

// Gives up every capability for good, for programs that it might start too, and (where the kernel
// has Landlock, 5.13) the right to change what is in any file or folder. Root keeps the right to
// read: scripts and their headers may stand where only their owner gets. What the kernel doesn't
// offer is left out: it is a second line of defence. Returns 0 or -errno.
int ebs_confine(void);

#endif
