// SPDX-License-Identifier: GPL-2.0-only
// The option `first_of` of bpf.load(): of several programs, the first that works here.
#include "script/first_of.h"

#include <stdio.h>
#include <string.h>

#include "kernel/feature.h"
#include "script/script.h"

static bool is_list_of(lua_State *L, int index, bool (*is_element)(lua_State *L, int index))
{
	bool fits = lua_istable(L, index) && lua_rawlen(L, index) > 0;

	for (lua_Unsigned i = 1; fits && i <= lua_rawlen(L, index); i++) {
		lua_rawgeti(L, index, (lua_Integer)i); // element
		fits = is_element(L, lua_gettop(L));
		lua_pop(L, 1); // -
	}
	return fits;
}

static bool is_section(lua_State *L, int index)
{
	return lua_type(L, index) == LUA_TSTRING;
}

static bool is_list(lua_State *L, int index)
{
	return is_list_of(L, index, is_section);
}

void ebs_check_first_of(lua_State *L, int index)
{
	index = lua_absindex(L, index);
	if (!lua_isnil(L, index) && !is_list(L, index) && !is_list_of(L, index, is_list))
		luaL_argerror(L, 1,
			      "option 'first_of' must be a list of sections, or of such lists");
}

// Whether the object has programs of the section; those are left out or kept.
static bool set_left_out(struct ebs_object *object, const char *section, bool left_out)
{
	struct ebs_program *program;
	bool found = false;

	for (size_t i = 0; (program = ebs_object_program_at(object, i)); i++) {
		if (strcmp(program->section, section))
			continue;
		ebs_program_leave_out(program, left_out);
		found = true;
	}
	return found;
}

static int choose(lua_State *L, int index, struct ebs_object *object, struct ebs_error *error)
{
	struct ebs_state *state = ebs_state(L);
	struct ebs_buffer reasons = { 0 };
	const char *chosen = NULL;
	int result = 0;

	for (lua_Unsigned i = 1; !result && i <= lua_rawlen(L, index); i++) {
		struct ebs_error why = { 0 };
		lua_rawgeti(L, index, (lua_Integer)i); // section
		const char *section = lua_tostring(L, -1);

		if (!set_left_out(object, section, true)) {
			result = ebs_error_set(error, "EINVAL",
					       "first_of: this C has no program of SEC(\"%s\")",
					       section);
		} else if (!chosen && ebs_has_program(section, &why)) {
			chosen = section; // the list keeps it
			set_left_out(object, section, false);
		} else if (!chosen) {
			ebs_buffer_printf(&reasons, "%s%s", reasons.size ? "; " : "",
					  ebs_error_text(&why));
		}
		ebs_error_clear(&why);
		lua_pop(L, 1); // -
	}
	if (!result && !chosen)
		result = ebs_error_set(error, "ENOENT", "none of first_of works here: %s",
				       reasons.data ? reasons.data : "");
	if (!result && state->options->verbose)
		fprintf(stderr, "ebscript: %s: SEC(\"%s\") is the first of %d that works here\n",
			state->name, chosen, (int)lua_rawlen(L, index));
	ebs_buffer_free(&reasons);
	return result;
}

int ebs_choose_first(lua_State *L, int index, struct ebs_object *object, struct ebs_error *error)
{
	int result = 0;

	index = lua_absindex(L, index);
	if (lua_isnil(L, index))
		return 0;
	if (is_list(L, index))
		return choose(L, index, object, error);
	for (lua_Unsigned i = 1; !result && i <= lua_rawlen(L, index); i++) {
		lua_rawgeti(L, index, (lua_Integer)i); // list
		result = choose(L, lua_gettop(L), object, error);
		lua_pop(L, 1); // -
	}
	return result;
}
