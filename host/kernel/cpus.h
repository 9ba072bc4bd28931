// SPDX-License-Identifier: GPL-2.0-only
// How many CPUs the kernel keeps values for.
#ifndef EBS_KERNEL_CPUS_H
#define EBS_KERNEL_CPUS_H

// The number of CPUs that this machine can have, as a per-CPU value has it. Where the kernel's list
// of them can't be read, as /sys is hidden, as many as its masks have room for: not too few.
unsigned ebs_possible_cpus(void);

#endif
