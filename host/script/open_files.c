// SPDX-License-Identifier: GPL-2.0-only
// Lua's own functions that open files: a file that a script drops is closed by the collector, which
// doesn't see that descriptors run out.
#include "script/open_files.h"

// Upvalue 1 is the function of Lua's, called in this one's place, so that it finds its arguments
// and can blame them.
static int make_room_and_call(lua_State *L)
{
	ebs_make_room_for_file(L);
	return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

void ebs_open_files(lua_State *L)
{
	static const char *const names[] = { "lines", "open", "tmpfile" };

	lua_getglobal(L, "io"); // io
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		lua_getfield(L, -1, names[i]);              // io function
		lua_pushcclosure(L, make_room_and_call, 1); // io function
		lua_setfield(L, -2, names[i]);              // io
	}
	lua_pop(L, 1); // -
}
