// SPDX-License-Identifier: GPL-2.0-only
// Lua's own functions that open files.
#ifndef EBS_SCRIPT_OPEN_FILES_H
#define EBS_SCRIPT_OPEN_FILES_H

#include "script/state.h"

// Puts functions that collect garbage in time in place of them. io.popen() is in standard_output.c.
void ebs_open_files(lua_State *L);

#endif
