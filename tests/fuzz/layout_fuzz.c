// SPDX-License-Identifier: GPL-2.0-only
// Any bytes as an object's BTF, and as a sample of each of its types: BTF, then 256 bytes.
#include "lua_fixture.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "types/layout.h"

#define SAMPLE    256
#define MOST      200 // types that are looked at
#define MOST_ROWS 8   // types of samples

static lua_State *L;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	libbpf_set_print(NULL);
	L = new_lua();
	return 0;
}

struct sample {
	const struct ebs_layout *layout;
	const uint8_t *data;
	size_t size;
};

static struct ebs_lifetime lifetime; // of the views of one sample

// Forgets the names of the types before, too.
static int begin(lua_State *L)
{
	ebs_register_view(L);
	lua_newuserdatauv(L, 1, 0); // owner
	ebs_lifetime_begin(L, &lifetime, -1);
	lua_setfield(L, LUA_REGISTRYINDEX, "owner"); // -
	return 0;
}

static int read_all(lua_State *L)
{
	const struct sample *sample = lua_touserdata(L, 1);

	ebs_push_view(L, sample->layout, sample->data, sample->size, &lifetime); // sample view
	luaL_tolstring(L, 2, NULL);                                              // sample view text
	lua_settop(L, 2);
	for (uint32_t i = 0; i < sample->layout->field_count; i++) {
		lua_getfield(L, 2, sample->layout->fields[i].name); // sample view value
		lua_settop(L, 2);
	}
	for (lua_Integer i = 1; sample->layout->kind == EBS_ARRAY && i < 20; i++) {
		lua_geti(L, 2, i); // sample view value
		luaL_tolstring(L, 3, NULL);
		lua_settop(L, 2);
	}
	return 1;
}

static int read_late(lua_State *L)
{
	struct ebs_view_bytes bytes;

	ebs_view_bytes(L, 1, &bytes);
	return 0;
}

static int decode(lua_State *L)
{
	const struct sample *sample = lua_touserdata(L, 1);

	ebs_push_value(L, sample->layout, sample->data, sample->size);
	lua_settop(L, 1);
	if (!ebs_has_view(sample->layout))
		return 0;
	lua_pushcfunction(L, read_all);
	lua_pushvalue(L, 1);
	bool whole = !lua_pcall(L, 1, 1, 0); // sample view
	ebs_lifetime_end(&ebs_state(L)->views, &lifetime);
	if (!whole)
		return 0;
	lua_pushcfunction(L, read_late);
	lua_insert(L, -2);
	MUST(lua_pcall(L, 1, 0, 0)); // its time is over
	return 0;
}

// A plan's fields lie where they can be: nothing is checked again when samples are decoded.
static void check_layout(const struct ebs_layout *layout)
{
	MUST(layout->name);
	if (layout->kind == EBS_ARRAY)
		MUST(layout->element);
	for (uint32_t i = 0; layout->kind == EBS_RECORD && i < layout->field_count; i++) {
		const struct ebs_field *field = &layout->fields[i];

		MUST(field->name && *field->name && field->layout);
		MUST(field->bit_size <= (field->layout->kind == EBS_BYTES ? 128 : 64));
		MUST(field->bit_offset < 8);
		MUST(ebs_layout_field(layout, field->name));
	}
}

static int on_variable(void *context, const struct ebs_variable *variable)
{
	MUST(variable->name && variable->layout);
	return 0;
}

static void use(struct ebs_types *types, uint32_t count, const uint8_t *data)
{
	const struct ebs_layout *samples[MOST_ROWS];
	struct ebs_error error = { 0 };
	int64_t value;

	run_protected(L, begin, NULL);
	for (uint32_t id = 0; id < count && id < MOST; id++) {
		const struct ebs_layout *layout = ebs_types_layout(types, id, &error);

		MUST(!layout == ebs_error_is_set(&error));
		ebs_error_clear(&error);
		for (uint32_t i = 0; ebs_types_enumerator(types, id, i, &value); i++)
			;
		if (!layout)
			continue;
		check_layout(layout);
		MUST(ebs_types_find(types, layout->name) < count);
		for (size_t size = 0; size <= SAMPLE; size += 1 + size * 3) {
			uint8_t *copy = malloc(size); // reads behind it are seen
			struct sample sample = { layout, copy, size };

			memcpy(copy, data, size);
			run_protected(L, decode, &sample);
			free(copy);
		}
	}
	ebs_types_variables(types, ".rodata", on_variable, NULL, &error);
	ebs_error_clear(&error);
	ebs_types_variables(types, ".bss", on_variable, NULL, &error);
	ebs_error_clear(&error);
	ebs_types_samples(types, "events", samples, MOST_ROWS, &error);
	ebs_error_clear(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size <= SAMPLE)
		return 0;
	struct btf *btf = btf__new(data, size - SAMPLE);
	if (!btf) // libbpf's own refusal: the host sees no object then
		return 0;
	struct ebs_types *types = ebs_types_new(btf);
	MUST(types);
	use(types, btf__type_cnt(btf), data + size - SAMPLE);
	ebs_types_free(types);
	btf__free(btf);
	lua_gc(L, LUA_GCCOLLECT);
	return 0;
}
