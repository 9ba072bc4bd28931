// SPDX-License-Identifier: GPL-2.0-only
// Where C text declares a variable: the first place where its name stands as that of a variable
// with an initial value does, outside of functions unless it is one of a function.
#include "types/c_declaration.h"

#include <string.h>

#include "types/c_scanner.h"

static bool is_mark(const struct ebs_c_token *token, char mark)
{
	return token->kind == EBS_C_PUNCTUATION && *token->text == mark;
}

static bool is_name(const struct ebs_c_token *token, const char *name, size_t length)
{
	return token->kind == EBS_C_NAME && token->length == length &&
	       memcmp(token->text, name, length) == 0;
}

// `names[2]`, `name = "x"`, `(*names[])(void)`, `name SEC(".data.x") = "x"`; but neither
// `.name = "x"`, `x->name = y` nor `names + 1`.
static bool is_declared(const struct ebs_c_token *before, struct ebs_c_scanner behind)
{
	struct ebs_c_token next = ebs_c_next(&behind);

	if (before->kind != EBS_C_NAME && !is_mark(before, '*') && !is_mark(before, '}'))
		return false;
	if (is_mark(&next, ')')) { // `(*call)(void) = run`, but no parameter
		next = ebs_c_next(&behind);
		return is_mark(&next, '(');
	}
	return is_mark(&next, '[') || is_mark(&next, '=') || next.kind == EBS_C_NAME;
}

bool ebs_c_find_declaration(const char *text, size_t size, const char *name,
			    struct ebs_c_place *place)
{
	const char *dot = strchr(name, '.');
	const char *variable = dot ? dot + 1 : name;
	struct ebs_c_scanner scanner = { .next = text, .end = text + size };
	struct ebs_c_token before = { .kind = EBS_C_END };
	struct ebs_c_token token = ebs_c_next(&scanner);
	bool in_function = !dot;
	size_t depth = 0;

	for (; token.kind != EBS_C_END; before = token, token = ebs_c_next(&scanner)) {
		if (token.kind == EBS_C_DEFINE || is_mark(&token, '#'))
			ebs_c_skip_line(&scanner);
		depth += is_mark(&token, '{');
		depth -= depth && is_mark(&token, '}');
		if (dot && !depth && is_name(&token, name, dot - name))
			in_function = true;
		if (!in_function || (dot ? !depth : depth) ||
		    !is_name(&token, variable, strlen(variable)) || !is_declared(&before, scanner))
			continue;
		place->line = 1;
		place->column = 1;
		for (const char *c = text; c < token.text; c++) {
			place->column = *c == '\n' ? 1 : place->column + 1;
			place->line += *c == '\n';
		}
		return true;
	}
	return false;
}
