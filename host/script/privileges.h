// SPDX-License-Identifier: GPL-2.0-only
// bpf.drop_privileges(), and --drop-caps.
#ifndef EBS_SCRIPT_PRIVILEGES_H
#define EBS_SCRIPT_PRIVILEGES_H

#include "script/state.h"

int ebs_bpf_drop_privileges(lua_State *L);

// What --drop-caps asks for, before the loop runs; once.
void ebs_drop_for_loop(lua_State *L);

#endif
