// SPDX-License-Identifier: GPL-2.0-only
// Whose link it is that sits on an interface.
#ifndef EBS_KERNEL_LINK_HOLDER_H
#define EBS_KERNEL_LINK_HOLDER_H

#include <stdint.h>

#include "base/buffer.h"

// The id of the XDP link on the interface; 0 when there is none, or this process may not ask.
uint32_t ebs_xdp_link(unsigned ifindex);

// Appends "link 7 of process 123 (name)", or what is known of that.
void ebs_link_holder(uint32_t link, struct ebs_buffer *out);

#endif
