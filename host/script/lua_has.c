// SPDX-License-Identifier: GPL-2.0-only
// bpf.has(): what this kernel can do, and this process may.
#include <errno.h>

#include "base/capabilities.h"
#include "base/file.h"
#include "kernel/feature.h"
#include "script/bpf.h"

typedef bool has(const char *name, struct ebs_error *why);

static bool has_capability(const char *name, struct ebs_error *why)
{
	int number = ebs_capability_find(name);

	if (number >= 0 && ebs_capability_have(number))
		return true;
	if (number < 0)
		ebs_error_explain(why, EINVAL, "there is no capability \"%s\"", name);
	else
		ebs_error_explain(why, EPERM, "this process has no capability \"%s\"", name);
	return false;
}

static const struct {
	const char *option;
	has *has;
} questions[] = {
	{ "program", ebs_has_program },
	{ "map", ebs_has_map_kind },
	{ "kernel_function", ebs_has_kernel_function },
	{ "tracepoint", ebs_has_tracepoint },
	{ "type", ebs_has_type },
	{ "field", ebs_has_field },
	{ "enum_value", ebs_has_enumerator },
	{ "capability", has_capability },
};

#define FILES     8 // open at once while the kernel is asked
#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

static bool ask_all(lua_State *L, struct ebs_error *why)
{
	const char *helper = ebs_text_option(L, 1, 1, "helper", NULL);
	const char *program = ebs_text_option(L, 1, 1, "program", NULL);

	for (size_t i = 0; i < QUESTIONS; i++) {
		const char *name = ebs_text_option(L, 1, 1, questions[i].option, NULL);

		if (name && !questions[i].has(name, why))
			return false;
	}
	return !helper || ebs_has_helper(helper, program, why);
}

static int need_files(struct ebs_error *why)
{
	int result = ebs_need_files(FILES);

	return result ? ebs_error_errno(why, result, "can't ask the kernel") : 0;
}

int ebs_bpf_has(lua_State *L)
{
	static const char *const names[] = { "program",    "helper", "map",   "kernel_function",
					     "tracepoint", "type",   "field", "enum_value",
					     "capability", NULL };
	struct ebs_error why = { 0 };
	bool tried = false;

	ebs_check_option_names(L, 1, names);
	lua_pushnil(L);
	luaL_argcheck(L, lua_next(L, 1), 1, "say what to ask for, such as { map = \"ringbuf\" }");
	lua_settop(L, 1);
	bool has;
	do
		has = !need_files(&why) && ask_all(L, &why);
	while (!has && ebs_try_again(L, &why, &tried));
	if (has) {
		lua_pushboolean(L, true);
		return 1;
	}
	lua_pushboolean(L, false);               // false
	lua_pushstring(L, ebs_error_text(&why)); // false why
	ebs_error_clear(&why);
	return 2;
}
