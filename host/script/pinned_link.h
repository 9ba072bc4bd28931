// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.PinnedLink.
#ifndef EBS_SCRIPT_PINNED_LINK_H
#define EBS_SCRIPT_PINNED_LINK_H

#include "script/state.h"

// Pushes the link that is pinned at `path`, or the failure. Returns the number of results.
int ebs_push_pinned_link(lua_State *L, const char *path);
void ebs_register_pinned_link(lua_State *L);

#endif
