// SPDX-License-Identifier: GPL-2.0-only
// bpf.histogram(): its Lua half is loaded when a script asks for the first one.
#include "script/bpf.h"
#include "script/script.h"

extern const char ebs_histogram[];
extern const size_t ebs_histogram_size;

// Upvalue 1 is the function that makes histograms, once it is loaded.
int ebs_bpf_histogram(lua_State *L)
{
	if (lua_isnil(L, lua_upvalueindex(1))) {
		if (luaL_loadbufferx(L, ebs_histogram, ebs_histogram_size, "histogram.lua", "b"))
			return lua_error(L);
		luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE); // ... chunk loaded
		lua_getfield(L, -1, "bpf");                               // ... chunk loaded bpf
		lua_remove(L, -2);                                        // ... chunk bpf
		luaL_newmetatable(L, "bpf.Histogram");                    // ... chunk bpf class
		lua_call(L, 2, 1);                                        // ... make
		lua_replace(L, lua_upvalueindex(1));                      // ...
	}
	lua_pushvalue(L, lua_upvalueindex(1)); // ... make
	lua_insert(L, 1);                      // make ...
	lua_call(L, lua_gettop(L) - 1, 1);     // histogram
	return 1;
}
