// SPDX-License-Identifier: GPL-2.0-only
// The sentence about a refusal: the table's words, with what is known of this program filled in.
#include "kernel/refusal_private.h"

#include <string.h>

#include "kernel/lockdown.h"
#include "types/btf_blob.h"

// Whether the last instruction reads memory; else it writes, or calls a function.
static bool reads(const struct ebs_refusal *refusal)
{
	return strstr(refusal->instruction, "= *(") != NULL;
}

static void append_name(struct ebs_buffer *out, struct ebs_c_part part)
{
	ebs_buffer_printf(out, "`%.*s`", (int)part.length, part.start);
}

// The argument of memcpy() or memmove() at the place that an instruction reads or writes. The
// compiler makes instructions of such calls, which all have the call's place.
static bool find_copied(const struct ebs_refusal *refusal, struct ebs_c_part *argument)
{
	static const char *const names[] = { "memcpy", "memmove" };
	const char *text = refusal->line.text;
	uint32_t column = refusal->line.column;
	struct ebs_c_part call;

	if (!ebs_c_call_at(text, column, &call))
		return false;
	if (call.length > 10 && !strncmp(call.start, "__builtin_", 10))
		call = (struct ebs_c_part){ call.start + 10, call.length - 10 };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (call.length == strlen(names[i]) && !strncmp(call.start, names[i], call.length))
			return ebs_c_argument_at(text, column, reads(refusal) ? 2 : 1, argument);
	return false;
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
	} else if (find_copied(refusal, &refusal->part)) {
		refusal->copied = true;
	} else if (ebs_c_operand_at(text, column, &refusal->part)) {
		if (strstr(refusal->rule->words, "{pointer}"))
			refusal->part = ebs_c_pointer_of(refusal->part);
	}
	refusal->call_column = column;
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

// Whether the context is the kernel's own memory. The verifier rewrites what other kinds of
// programs read of theirs (convert_ctx_access() in the kernel).
static bool has_real_context(const struct ebs_refusal *refusal)
{
	static const char *const kinds[] = {
		"tracepoint", "tp",     "raw_tracepoint", "raw_tp", "kprobe", "kretprobe",
		"ksyscall",   "uprobe", "uretprobe",      "usdt",   "tp_btf", "kretsyscall",
		"fentry",     "fexit",  "fmod_ret",       "lsm",    "iter",   "struct_ops",
	};
	const char *section = refusal->refused->section;
	section += *section == '?';
	size_t length = strcspn(section, "/.");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (length == strlen(kinds[i]) && !strncmp(section, kinds[i], length))
			return true;
	return false;
}

// The blamed part; where that reads through a pointer, the pointer.
static struct ebs_c_part place_of(const struct ebs_refusal *refusal)
{
	struct ebs_c_part part = refusal->part;

	return part.length && *part.start == '*' ? ebs_c_pointer_of(part) : part;
}

// A call that copies the blamed part: the sizes and places of the C's own where it is a memcpy().
static void say_copy(const struct ebs_refusal *refusal, struct ebs_buffer *out)
{
	const char *text = refusal->line.text;
	struct ebs_c_part part = place_of(refusal), to, size;
	uint32_t column = refusal->call_column;

	if (refusal->copied && ebs_c_argument_text(text, column, 1, &to) &&
	    ebs_c_argument_text(text, column, 3, &size))
		ebs_buffer_printf(out, "`bpf_probe_read_kernel(%.*s, %.*s, %.*s)`", (int)to.length,
				  to.start, (int)size.length, size.start, (int)part.length,
				  part.start);
	else if (part.length)
		ebs_buffer_printf(out, "`bpf_probe_read_kernel(&to, sizeof(to), %s%.*s)`",
				  part.start[part.length - 1] == ']' ? "&" : "", (int)part.length,
				  part.start);
	else
		ebs_buffer_append_string(out,
					 "`bpf_probe_read_kernel(&to, sizeof(to), &ctx->field)`");
}

// An element of the blamed array, by a constant index.
static void say_element(const struct ebs_refusal *refusal, struct ebs_buffer *out)
{
	struct ebs_c_part part = place_of(refusal);
	const char *bracket = part.length ? memchr(part.start, '[', part.length) : NULL;
	const char *arrow = part.length ? memmem(part.start, part.length, "->", 2) : NULL;

	if (bracket)
		part.length = bracket - part.start;
	if (arrow || bracket)
		ebs_buffer_printf(out, "`%.*s[0]`", (int)part.length, part.start);
	else
		ebs_buffer_append_string(out, "`ctx->array[0]`");
}

// Where programs may read the kernel's memory a copy helps, and constant indexes help anywhere.
static void say_way(const struct ebs_refusal *refusal, bool helper, struct ebs_buffer *out)
{
	char mode[32];

	ebs_lockdown_mode(mode, sizeof(mode));
	bool can_copy = (helper || reads(refusal)) && has_real_context(refusal) &&
			strcmp(mode, "confidentiality") != 0;
	if (can_copy) {
		ebs_buffer_append_string(out, "copy it by ");
		say_copy(refusal, out);
	}
	if (can_copy && !helper)
		ebs_buffer_append_string(out, ", or write constant indexes, as in ");
	else if (helper && !can_copy)
		ebs_buffer_append_string(out, "copy its elements one by one, as from ");
	else if (!helper)
		ebs_buffer_append_string(out, "write constant indexes, as in ");
	if (!can_copy || !helper)
		say_element(refusal, out);
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
	} else if (!strncmp(name, "constant", length) || !strncmp(name, "copied", length)) {
		say_way(refusal, name[2] == 'p', out);
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
