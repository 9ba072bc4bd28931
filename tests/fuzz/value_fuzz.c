// SPDX-License-Identifier: GPL-2.0-only
// Any Lua values, written into the types of the seed object; what was written can be read, and what
// was read can be written.
#include "lua_fixture.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "types/layout.h"
#include "types/object_btf.h"

#define DEEPEST 6

static lua_State *L;
static struct btf *btf;
static struct ebs_types *types;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct ebs_buffer *object = seed_object();
	size_t size;
	const void *section = ebs_elf_section(object->data, object->size, ".BTF", &size);

	libbpf_set_print(NULL);
	MUST(section);
	btf = btf__new(section, size);
	MUST(btf);
	types = ebs_types_new(btf);
	MUST(types);
	L = new_lua();
	return 0;
}

static void push_any(lua_State *L, struct choices *choices, const struct ebs_layout *hint,
		     int depth);

// A table of fields: mostly those that the type has.
static void push_fields(lua_State *L, struct choices *choices, const struct ebs_layout *hint,
			int depth)
{
	unsigned count = choose(choices, 1) % 12;

	lua_newtable(L); // table
	for (unsigned i = 0; i < count; i++) {
		unsigned pick = choose(choices, 1);
		const struct ebs_field *field =
			hint && hint->field_count && pick % 8
				? &hint->fields[pick / 8 % hint->field_count]
				: NULL;

		if (field)
			lua_pushstring(L, field->name); // table key
		else
			push_any(L, choices, NULL, DEEPEST);
		if (lua_isnil(L, -1) || (lua_isnumber(L, -1) && !lua_isinteger(L, -1))) {
			lua_pop(L, 1); // no key: nil, NaN
			continue;
		}
		push_any(L, choices, field ? field->layout : NULL, depth + 1); // table key value
		lua_rawset(L, -3);                                             // table
	}
}

static void push_sequence(lua_State *L, struct choices *choices, const struct ebs_layout *hint,
			  int depth)
{
	unsigned count = choose(choices, 1) % 8;

	lua_newtable(L); // table
	for (unsigned i = 1; i <= count; i++) {
		push_any(L, choices, hint ? hint->element : NULL, depth + 1); // table value
		lua_rawseti(L, -2, i);                                        // table
	}
}

// A value that mostly is of a kind that the type takes.
static void push_any(lua_State *L, struct choices *choices, const struct ebs_layout *hint,
		     int depth)
{
	unsigned pick = choose(choices, 1);
	size_t size;
	const char *bytes;
	double number;

	luaL_checkstack(L, 8, "a fuzzer's value");
	if (hint && pick % 8) {
		static const uint8_t of_kind[] = {
			[EBS_SIGNED] = 1, [EBS_UNSIGNED] = 1, [EBS_BOOL] = 3,  [EBS_FLOAT] = 2,
			[EBS_STRING] = 4, [EBS_BYTES] = 5,    [EBS_ARRAY] = 7, [EBS_RECORD] = 6,
		};
		pick = of_kind[hint->kind];
	}
	switch (pick % 8) {
	case 0:
		lua_pushnil(L);
		break;
	case 1:
		lua_pushinteger(L, (lua_Integer)choose(choices, 1 + pick % 8));
		break;
	case 2:
		memcpy(&number, &(uint64_t){ choose(choices, 8) }, 8);
		lua_pushnumber(L, number);
		break;
	case 3:
		lua_pushboolean(L, pick & 8);
		break;
	case 4:
	case 5:
		bytes = choose_bytes(choices, hint ? hint->size : pick / 8, &size);
		lua_pushlstring(L, bytes, size);
		break;
	case 6:
		if (depth < DEEPEST)
			push_fields(L, choices, hint, depth);
		else
			lua_pushlightuserdata(L, &btf);
		break;
	case 7:
		if (depth < DEEPEST)
			push_sequence(L, choices, hint, depth);
		else
			lua_pushliteral(L, "SMALL_ONE");
		break;
	}
}

static int write_and_read(lua_State *L)
{
	struct choices *choices = lua_touserdata(L, 1);
	struct ebs_error error = { 0 };
	uint32_t id = 1 + choose(choices, 1) % (btf__type_cnt(btf) - 1);
	const struct ebs_layout *layout = ebs_types_layout(types, id, &error);

	ebs_error_clear(&error);
	if (!layout || layout->size > 65536)
		return 0;
	uint8_t *out = lua_newuserdatauv(L, 1, 0); // kept by Lua: what follows may raise
	out = lua_newuserdatauv(L, layout->size + 1, 0);
	out[layout->size] = 0x5a; // nothing is written behind the end
	push_any(L, choices, layout, 0);
	int result = ebs_read_value(L, -1, types, layout, out, "value", &error);
	MUST(out[layout->size] == 0x5a);
	MUST(!result == !ebs_error_is_set(&error));
	ebs_error_clear(&error);
	if (result)
		return 0;
	ebs_push_value(L, layout, out, layout->size);
	if (lua_isnil(L, -1) || layout->flexible)
		return 0;
	if (ebs_read_value(L, -1, types, layout, out, "value", &error))
		fprintf(stderr, "%s\n", ebs_error_text(&error));
	MUST(!ebs_error_is_set(&error));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choices choices = { data, size };

	run_protected(L, write_and_read, &choices);
	lua_gc(L, LUA_GCCOLLECT);
	return 0;
}
