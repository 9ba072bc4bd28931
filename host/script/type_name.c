// SPDX-License-Identifier: GPL-2.0-only
// Types that a script names.
#include "script/value.h"

const struct ebs_layout *ebs_check_type(lua_State *L, int argument, struct ebs_types *types,
					const char *name)
{
	uint32_t id = types ? ebs_types_find(types, name) : 0;
	struct ebs_error error = { 0 };

	if (!id)
		luaL_argerror(
			L, argument,
			lua_pushfstring(L,
					"the object's types have no '%s': of types that only a "
					"program uses the compiler keeps nothing; a global "
					"variable of the type helps",
					name));
	const struct ebs_layout *layout = ebs_types_layout(types, id, &error);
	if (!layout)
		ebs_raise(L, &error);
	return layout;
}
