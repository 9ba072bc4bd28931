// SPDX-License-Identifier: GPL-2.0-only
// Attachments that go blind while a script waits.
#ifndef EBS_SCRIPT_GONE_H
#define EBS_SCRIPT_GONE_H

#include "kernel/attach_link.h"
#include "script/state.h"

struct script_link;

// Looks each second, while the loop runs, what has become of that which programs are attached to;
// does nothing while no link has anything that could go. Returns 0, or a negative number with
// `error` filled.
int ebs_gone_watch(struct ebs_state *state, struct ebs_error *error);

// lua_link.c, for gone.c: the links of an object one after the other, and their handlers.
struct ebs_link *ebs_script_link(const struct script_link *link);
struct script_link *ebs_link_after(const struct script_link *link);
bool ebs_link_has_handler(const struct script_link *link);
// Pushes the handler and the link. False with nothing pushed when the link is no longer there.
bool ebs_push_gone_handler(lua_State *L, struct script_link *link);
// Makes the value at 2 (nil: none) the handler of the link at 1, which must be open.
void ebs_link_set_handler(lua_State *L);

#endif
