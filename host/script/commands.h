// SPDX-License-Identifier: GPL-2.0-only
// os.execute() and io.popen(), which a signal ends.
#ifndef EBS_SCRIPT_COMMANDS_H
#define EBS_SCRIPT_COMMANDS_H

#include <lua.h>

// Puts them in place of Lua's own, which wait for a command whatever comes.
void ebs_open_commands(lua_State *L);

#endif
