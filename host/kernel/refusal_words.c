// SPDX-License-Identifier: GPL-2.0-only
// The sentence about a refusal: the table's words, with what is known of this program filled in.
#include "kernel/refusal_private.h"

#include <string.h>

#include "kernel/lockdown.h"
#include "types/btf_blob.h"

static void append_name(struct ebs_buffer *out, struct ebs_c_part part)
{
	ebs_buffer_printf(out, "`%.*s`", (int)part.length, part.start);
}

// Of a helper that is called, the argument that the register is; else what stands at the place.
static void find_part(struct ebs_refusal *refusal)
{
	const char *text = refusal->line.text;
	uint32_t column = refusal->line.column;
	const char *helper;
	struct ebs_c_part name;
	size_t length = ebs_step_helper(&refusal->step, &helper);

	if (!refusal->has_line)
		return;
	if (length) {
		if (refusal->number > 0 && ebs_c_call_at(text, column, &name) &&
		    name.length == length && !strncmp(name.start, helper, length))
			ebs_c_argument_at(text, column, refusal->number, &refusal->part);
	} else if (ebs_c_operand_at(text, column, &refusal->part)) {
		if (strstr(refusal->rule->words, "{pointer}"))
			refusal->part = ebs_c_pointer_of(refusal->part);
	}
	if (refusal->part.length)
		refusal->line.column = refusal->part.start - text + 1;
}

void ebs_refusal_say_value(const struct ebs_refusal *refusal, struct ebs_buffer *out)
{
	const char *helper;
	size_t length = ebs_step_helper(&refusal->step, &helper);

	if (refusal->part.length)
		append_name(out, refusal->part);
	else if (length && refusal->number > 0)
		ebs_buffer_printf(out, "argument %d of %.*s()", refusal->number, (int)length,
				  helper);
	else if (refusal->number >= 0)
		ebs_buffer_printf(out, "what register R%d holds", refusal->number);
	else
		ebs_buffer_append_string(out, "what is used here");
}

// Of a function that isn't known to the kernel only the C has the name.
static void say_helper(const struct ebs_refusal *refusal, struct ebs_buffer *out)
{
	struct ebs_c_part name;
	const char *helper;
	size_t length = ebs_step_helper(&refusal->step, &helper);

	if (length && strncmp(helper, "unknown", length) != 0)
		ebs_buffer_printf(out, "%.*s()", (int)length, helper);
	else if (refusal->has_line &&
		 ebs_c_call_at(refusal->line.text, refusal->line.column, &name))
		ebs_buffer_printf(out, "%.*s()", (int)name.length, name.start);
	else
		ebs_buffer_append_string(out, "this function");
}

// Why a helper that reads or writes memory by its address isn't there.
static void say_lockdown(const struct ebs_refusal *refusal, struct ebs_buffer *out)
{
	bool writes = strstr(refusal->message, "bpf_probe_write_user") != NULL;
	char mode[32];

	ebs_lockdown_mode(mode, sizeof(mode));
	if (strcmp(mode, "confidentiality") && !(writes && strcmp(mode, "integrity") == 0))
		ebs_buffer_append_string(out, " in this kernel: it is for other kinds of programs, "
					      "or for privileges that ebscript hasn't");
	else if (writes)
		ebs_buffer_printf(out,
				  ": this kernel is locked down (%s) and lets no program write to "
				  "the memory of processes; only booting without lockdown helps",
				  mode);
	else
		ebs_buffer_printf(out,
				  ": this kernel is locked down (%s) and lets no program read its "
				  "memory by helpers; SEC(\"tp_btf/NAME\") has typed pointers, "
				  "which C follows without (task->tgid), or boot without lockdown",
				  mode);
}

// What stands for `name`, `length` bytes; false for what is none of ours: `= {}` is C.
static bool say_field(const struct ebs_refusal *refusal, const char *name, size_t length,
		      struct ebs_buffer *out)
{
	if (length == 1 && *name >= '1' && *name < '0' + EBS_RULE_GROUPS) {
		const regmatch_t *group = &refusal->groups[*name - '0'];
		if (group->rm_so >= 0) { // of a type its ___flavor isn't told
			const char *start = refusal->message + group->rm_so;
			size_t size = group->rm_eo - group->rm_so;

			ebs_buffer_append(out, start, ebs_btf_essential_length(start, size));
		}
	} else if (!strncmp(name, "pointer", length) || !strncmp(name, "value", length)) {
		ebs_refusal_say_value(refusal, out);
	} else if (!strncmp(name, "helper", length)) {
		say_helper(refusal, out);
	} else if (!strncmp(name, "lockdown", length)) {
		say_lockdown(refusal, out);
	} else if (!strncmp(name, "section", length)) {
		ebs_buffer_append_string(out, refusal->refused->section);
	} else if (!strncmp(name, "end", length)) {
		ebs_buffer_printf(out, "%ld",
				  ebs_refusal_group(refusal, 1) + ebs_refusal_group(refusal, 2));
	} else {
		return false;
	}
	return true;
}

void ebs_refusal_say(struct ebs_refusal *refusal)
{
	struct ebs_buffer *out = &refusal->words;

	find_part(refusal);
	for (const char *c = refusal->rule->words; *c; c++) {
		const char *close = *c == '{' ? strchr(c, '}') : NULL;

		if (close > c + 1 && say_field(refusal, c + 1, close - c - 1, out))
			c = close;
		else
			ebs_buffer_append_char(out, *c);
	}
}
