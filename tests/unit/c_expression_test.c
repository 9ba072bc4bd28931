// SPDX-License-Identifier: GPL-2.0-only
// What stands at a place in a line of C.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "types/c_expression.h"

#define WITHOUT_MARK(line, mark)                        \
	char line##_text[256];                          \
	uint32_t column = strchr(line, '@') - line + 1; \
	snprintf(line##_text, sizeof(line##_text), "%.*s%s", (int)(column - 1), line, mark)

// `line` has an @ in front of the column. `wanted` NULL: nothing is to be found.
static void expect(const char *line, bool found, struct ebs_c_part part, const char *wanted)
{
	if (found != !!wanted || (found && (part.length != strlen(wanted) ||
					    strncmp(part.start, wanted, part.length) != 0)))
		fail_msg("%s: \"%.*s\", expected \"%s\"", line, found ? (int)part.length : 0,
			 found ? part.start : "", wanted ? wanted : "nothing");
}

struct operand {
	const char *line;
	const char *operand;
	const char *pointer;
};

static void operands(void **state)
{
	static const struct operand all[] = {
		{ "\tvalue->packets@++;", "value->packets", "value" },
		{ "\tif (eth->@h_proto == 8)", "eth->h_proto", "eth" },
		{ "\treturn @value[3];", "value[3]", "value" },
		{ "\tslot[n] @= 1;", "slot[n]", "slot" },
		{ "\t@slot[n] = 1;", "slot[n]", "slot" },
		{ "\treturn @*field;", "*field", "field" },
		{ "\treturn @*(u32 *)place + 1;", "*(u32 *)place", "place" },
		{ "\treturn (long)data @* 3;", "data", "data" },
		{ "\ta->b->@c = 1;", "a->b->c", "a->b" },
		{ "\tx = a->b.@c[2].d;", "a->b.c[2].d", "a" },
		{ "\tkey.uid @= 2;", "key.uid", "key.uid" },
		{ "\twhile (@n != 1)", "n", "n" },
		{ "\t@return x;", NULL, NULL },
		{ "\t@if (x)", NULL, NULL },
		{ "\t@call(x);", NULL, NULL },
		{ "\treturn @BODY;", NULL, NULL },
		{ "\treturn @3;", NULL, NULL },
		{ "@}", NULL, NULL },
		{ "@", NULL, NULL },
		{ "a[@", NULL, NULL },
		{ ")@", NULL, NULL },
		{ "x->@", NULL, NULL },
		{ "\ta_name_that_is_much_too_long_to_be_repeated_in_any_sentence@ = 1;", NULL,
		  NULL },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const char *line = all[i].line;
		struct ebs_c_part part;
		WITHOUT_MARK(line, line + column);
		bool found = ebs_c_operand_at(line_text, column, &part);

		expect(line, found, part, all[i].operand);
		if (found)
			expect(line, true, ebs_c_pointer_of(part), all[i].pointer);
	}
}

static void no_column(void **state)
{
	struct ebs_c_part part;

	assert_false(ebs_c_operand_at("x = 1;", 0, &part));
	assert_false(ebs_c_operand_at("x = 1;", 7, &part));
	assert_false(ebs_c_call_at("", 1, &part));
	assert_false(ebs_c_argument_at("f(x)", 0, 1, &part));
	assert_false(ebs_c_assigned_at("x = f()", 100, &part));
}

static void arguments(void **state)
{
	static const struct {
		const char *line;
		unsigned int number;
		const char *argument, *text;
	} all[] = {
		{ "x = @f(a, &b, g(c, d), 1);", 1, "a", "a" },
		{ "x = @f(a, &b, g(c, d), 1);", 2, "&b", "&b" },
		{ "x = @f(a, &b, g(c, d), 1);", 3, "g(c, d)", "g(c, d)" },
		{ "x = @f(a, &b, g(c, d), 1);", 4, NULL, "1" }, // a number is no name
		{ "x = @f(a, SIZE );", 2, NULL, "SIZE" },
		{ "x = @f(a, &b, g(c, d), 1);", 5, NULL, NULL },
		{ "@f(a, // the rest stands in the next line", 1, NULL, NULL },
		{ "@f()", 1, NULL, NULL },
		{ "@f[2]", 1, NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const char *line = all[i].line;
		struct ebs_c_part part;
		WITHOUT_MARK(line, line + column);
		bool found = ebs_c_argument_at(line_text, column, all[i].number, &part);

		expect(line, found, part, all[i].argument);
		found = ebs_c_argument_text(line_text, column, all[i].number, &part);
		expect(line, found, part, all[i].text);
	}
}

static void assigned(void **state)
{
	static const char *const all[][2] = {
		{ "\tstruct event *event = @f(1);", "event" },
		{ "\tif (!(event = @f(1)))", "event" },
		{ "\ta->b = (void *)@f(1);", "a->b" },
		{ "\tif (x == @f(1))", NULL },
		{ "\tx += @f(1);", NULL },
		{ "\treturn @f(1);", NULL },
		{ "@f(1);", NULL },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const char *line = all[i][0];
		struct ebs_c_part part;
		WITHOUT_MARK(line, line + column);
		bool found = ebs_c_assigned_at(line_text, column, &part);

		expect(line, found, part, all[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operands),
		cmocka_unit_test(no_column),
		cmocka_unit_test(arguments),
		cmocka_unit_test(assigned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
