// SPDX-License-Identifier: GPL-2.0-only
// Unit tests of host/script/view: bytes that change while they are shown.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "output/columns.h"
#include "output/record.h"
#include "script/state.h"
#include "script/value.h"

#define SAFE    "safe"
#define HOSTILE "\x1b[2J"

static struct ebs_layout text = { .kind = EBS_STRING, .size = 8, .name = "char[8]" };
static struct ebs_field field = { .name = "comm", .layout = &text };
static struct ebs_layout record = {
	.kind = EBS_RECORD, .size = 8, .name = "struct who", .fields = &field, .field_count = 1
};

static struct ebs_state script;
static struct ebs_lifetime lifetime;

static lua_State *new_lua(void)
{
	lua_State *L = luaL_newstate();

	script.L = L;
	*(struct ebs_state **)lua_getextraspace(L) = &script;
	ebs_register_view(L);
	lua_settop(L, 0);
	lua_newuserdatauv(L, 1, 0); // owner
	ebs_lifetime_begin(L, &lifetime, 1);
	return L;
}

static void end_lua(lua_State *L)
{
	ebs_lifetime_end(&script.views, &lifetime);
	lua_close(L);
	ebs_views_free(&script.views);
	ebs_buffer_free(&script.view_copy);
}

static void assert_row(const struct ebs_view_bytes *bytes, const char *expected)
{
	struct ebs_columns *columns = ebs_columns_new("comm", false, NULL);
	struct ebs_record *writer = ebs_record_new(columns, bytes->layout, NULL);
	struct ebs_buffer out = { 0 };

	ebs_record_append(writer, bytes->data, bytes->size, &out);
	assert_string_equal(out.data, expected);
	ebs_buffer_free(&out);
	ebs_record_free(writer);
	ebs_columns_free(columns);
}

// What is written into the memory after the bytes were asked for is in no row.
static void shared_bytes_are_copied(void **state)
{
	lua_State *L = new_lua();
	uint8_t memory[8] = SAFE;
	struct ebs_view_bytes bytes;

	lifetime.shared = true;
	ebs_push_view(L, &record, memory, sizeof(memory), &lifetime); // owner view
	assert_true(ebs_view_bytes(L, -1, &bytes));
	assert_ptr_not_equal(bytes.data, memory);
	assert_int_equal(bytes.size, sizeof(memory));
	memcpy(memory, HOSTILE, sizeof(HOSTILE));
	assert_row(&bytes, SAFE "\n");
	assert_true(ebs_view_bytes(L, -1, &bytes)); // as it is now
	assert_row(&bytes, "\\x1B[2J\n");
	end_lua(L);
}

// Samples stay as they are until they are given back: they are read in place.
static void samples_are_not_copied(void **state)
{
	lua_State *L = new_lua();
	uint8_t memory[8] = SAFE;
	struct ebs_view_bytes bytes;

	lifetime.shared = false;
	ebs_push_view(L, &record, memory, sizeof(memory), &lifetime); // owner view
	assert_true(ebs_view_bytes(L, -1, &bytes));
	assert_ptr_equal(bytes.data, memory);
	end_lua(L);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared_bytes_are_copied),
		cmocka_unit_test(samples_are_not_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
