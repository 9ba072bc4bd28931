// SPDX-License-Identifier: GPL-2.0-only
// What the process may do, and giving that up.
#ifndef EBS_BASE_CAPABILITIES_H
#define EBS_BASE_CAPABILITIES_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>

// A set of capabilities: a bit for each CAP_*.
#define EBS_CAPABILITY(number) (UINT64_C(1) << (number))

// Whether the calling thread has it now. A kernel that doesn't know it yet has CAP_SYS_ADMIN in its
// place.
bool ebs_capability_have(int number);

// Whether this kernel knows it: CAP_BPF and CAP_PERFMON came with Linux 5.8.
bool ebs_capability_exists(int number);

// The CAP_* of "CAP_BPF", "cap_bpf" or "bpf"; -1 when there is none.
int ebs_capability_find(const char *name);

// Gives up all but those of `kept` that the thread has, for good, for programs that it may start
// too: the user 0 gets none back by starting one. What the kernel or a lack of CAP_SETPCAP doesn't
// allow to give up beyond that is left. Returns 0 or -errno.
int ebs_capabilities_drop(uint64_t kept);

// The same for what is in use only: can be undone by ebs_capabilities_use(). Both return 0 or
// -errno.
int ebs_capabilities_rest(uint64_t kept);
int ebs_capabilities_use(void); // all that was given up by resting

#endif
