// SPDX-License-Identifier: GPL-2.0-only
// What no descriptor holds is taken away by the helper, which outlives this process for a moment.
#ifndef EBS_KERNEL_AT_END_H
#define EBS_KERNEL_AT_END_H

#include <stdint.h>

// Before the first attach: what the helper can be told.
void ebs_at_end_init(void);

// What shall be done when this process ends, however that comes. Both return 0 or -errno; without
// a helper, as somebody has killed it, things are as safe as before.

// Removes the clsact filters with that handle from the interface.
int ebs_at_end_remove_filters(int ifindex, uint32_t handle);

// Unregisters the struct_ops map.
int ebs_at_end_unregister(int map);

#endif
