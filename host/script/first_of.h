// SPDX-License-Identifier: GPL-2.0-only
// The option `first_of` of bpf.load(): of several programs, the first that works here.
#ifndef EBS_SCRIPT_FIRST_OF_H
#define EBS_SCRIPT_FIRST_OF_H

#include "kernel/object.h"
#include "script/state.h"

// Raises, as misuse of argument 1, unless the value at `index` is nil, a sequence of sections, or a
// sequence of these.
void ebs_check_first_of(lua_State *L, int index);

// Leaves out of the opened object's programs those that come behind the first that this kernel has.
// Returns 0, or -errno with `error` filled: nothing of a list is there.
int ebs_choose_first(lua_State *L, int index, struct ebs_object *object, struct ebs_error *error);

#endif
