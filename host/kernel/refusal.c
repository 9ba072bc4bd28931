// SPDX-License-Identifier: GPL-2.0-only
// Puts the message about a refused program together, in the shape of the compiler's messages.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/refusal_private.h"

#define STEPS_SHOWN    6 // as many as a reader takes in
#define LONGEST_STATE  100
#define REASON_LINES   8      // kernels give three at most
#define STEPS_SEARCHED 100000 // for the line outside of headers

bool ebs_refusal_line(const struct ebs_refusal *refusal, uint32_t index, struct ebs_line *line)
{
	return refusal->has_lines && ebs_line_info_find(&refusal->lines, index, line);
}

bool ebs_refusal_same_line(const struct ebs_line *a, const struct ebs_line *b)
{
	return a->file && b->file && a->line == b->line && strcmp(a->file, b->file) == 0;
}

bool ebs_refusal_is_header(const struct ebs_line *line)
{
	size_t length = strlen(line->file);

	return length > 2 && strcmp(line->file + length - 2, ".h") == 0;
}

long ebs_refusal_group(const struct ebs_refusal *refusal, int group)
{
	regoff_t start = refusal->groups[group].rm_so;

	return start < 0 ? 0 : strtol(refusal->message + start, NULL, 10);
}

void ebs_refusal_note(struct ebs_refusal *refusal, const struct ebs_line *line, const char *format,
		      ...)
{
	struct ebs_buffer *out = &refusal->notes;
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	ebs_buffer_append_char(out, '\n');
	ebs_refusal_show_place(out, line, EBS_SHOW_NOTE);
	ebs_buffer_append_string(out, text);
	ebs_refusal_show_line(out, line, 1);
}

// For what went wrong inside a header: the line of the program's own that led there.
static void note_outside_headers(struct ebs_refusal *refusal)
{
	const char *place = refusal->log.trace_end;
	struct ebs_verifier_step step;
	struct ebs_line line;

	for (int i = 0; i < STEPS_SEARCHED && ebs_verifier_log_back(&refusal->log, &place, &step);
	     i++) {
		if (ebs_refusal_line(refusal, step.index, &line) && !ebs_refusal_is_header(&line)) {
			ebs_refusal_note(refusal, &line, "the way there leads through here");
			return;
		}
	}
}

static int first_register(const char *message)
{
	for (const char *c = message; *c; c++)
		if (*c == 'R' && c[1] >= '0' && c[1] <= '9' &&
		    (c == message || c[-1] == ' ' || c[-1] == '('))
			return atoi(c + 1);
	return -1;
}

// The register that an instruction reads or writes memory through.
static int base_register(const char *instruction)
{
	const char *base = strstr(instruction, "*)(r");

	return base ? atoi(base + 4) : -1;
}

// What is known of a register at the end of the trace: behind the last step that says something.
static bool find_state(const struct ebs_refusal *refusal, unsigned int number, const char **value,
		       size_t *length)
{
	const char *place = refusal->before;
	struct ebs_verifier_step step;

	for (int i = 0; i < STEPS_SEARCHED && ebs_verifier_log_back(&refusal->log, &place, &step) &&
			!step.other_function;
	     i++)
		if (ebs_verifier_step_register(&step, number, value, length))
			return true;
	return false;
}

// The last step's text, and what the register that it goes through holds: " ; R6=0;".
static void describe_step(struct ebs_refusal *refusal)
{
	char *text = refusal->instruction;
	size_t size = sizeof(refusal->instruction);
	const char *value;
	size_t length;

	snprintf(text, size, "%.*s", (int)refusal->step.length, refusal->step.text);
	int base = base_register(text);
	if (base < 0 || !find_state(refusal, base, &value, &length))
		return;
	if (length > 3 && !strncmp(value, "inv", 3)) { // numbers, before Linux 5.18
		value += 3;
		length -= 3;
	}
	size_t end = strlen(text);
	snprintf(text + end, size - end, " ; R%d=%.*s;", base, (int)length, value);
}

// Takes the first line of the kernel's that is known; else the first one.
static int choose_message(struct ebs_refusal *refusal)
{
	const char *all = refusal->log.messages.data ? refusal->log.messages.data : "";
	int lines = REASON_LINES;

	for (const char *line = all; !refusal->rule && lines--; line++) {
		size_t length = strcspn(line, "\n");

		free(refusal->message);
		refusal->message = strndup(line, length);
		if (!refusal->message)
			return -ENOMEM;
		refusal->rule = ebs_verifier_rule_find(refusal->message, refusal->instruction,
						       refusal->groups);
		line += length;
		if (!*line)
			break;
	}
	if (!refusal->rule) {
		free(refusal->message);
		refusal->message = strndup(all, strcspn(all, "\n"));
	}
	if (!refusal->message)
		return -ENOMEM;
	refusal->number = first_register(refusal->message);
	if (refusal->number < 0)
		refusal->number = base_register(refusal->instruction);
	return 0;
}

// Most messages are about the last step; some name another one. False where no step led there.
static bool find_blamed(const struct ebs_refusal *refusal, uint32_t *index)
{
	const char *name = strstr(refusal->message, "insn ");

	if (name && !strstr(refusal->message, "Processed ") && name[5] >= '0' && name[5] <= '9')
		*index = (uint32_t)strtoul(name + 5, NULL, 10);
	else if (*refusal->step.text)
		*index = refusal->step.index;
	else
		return false;
	return true;
}

static int analyze(struct ebs_refusal *refusal)
{
	const struct ebs_refused *refused = refusal->refused;
	uint32_t index;
	int result = ebs_verifier_log_parse(&refusal->log, refused->log, refused->log_size);
	if (result)
		return result;

	refusal->trail.origin = refusal->trail.number_origin = -1;
	refusal->has_lines = !ebs_line_info_open(&refusal->lines, refused->elf, refused->elf_size,
						 refused->section, refused->name,
						 refused->instructions, refused->count);
	refusal->before = refusal->log.trace_end;
	if (!ebs_verifier_log_back(&refusal->log, &refusal->before, &refusal->step))
		refusal->step = (struct ebs_verifier_step){ .text = "", .state = "" };
	describe_step(refusal);
	result = choose_message(refusal);
	if (result)
		return result;
	refusal->has_line =
		find_blamed(refusal, &index) && ebs_refusal_line(refusal, index, &refusal->line);
	if (!refusal->rule) {
		ebs_buffer_append_string(&refusal->words,
					 *refusal->message ? refusal->message
					 : refusal->log.whole
						 ? "it gives no reason"
						 : "its log is too long to have its reason");
		return 0;
	}
	if (refusal->rule->words)
		ebs_refusal_say(refusal);
	ebs_refusal_story(refusal);
	return 0;
}

static void append_step(const struct ebs_refusal *refusal, const struct ebs_verifier_step *step,
			int number, struct ebs_buffer *out)
{
	struct ebs_line line;
	const char *state;
	size_t length;

	ebs_buffer_append_string(out, "\n  ");
	if (ebs_refusal_line(refusal, step->index, &line)) {
		const char *slash = strrchr(line.file, '/');
		ebs_buffer_printf(out, "%s:%u: ", slash ? slash + 1 : line.file, line.line);
	}
	ebs_buffer_printf(out, "%u: %.*s", step->index, (int)step->length, step->text);
	if (number >= 0 && ebs_verifier_step_register(step, number, &state, &length))
		ebs_buffer_printf(out, " ; R%d=%.*s%s", number,
				  (int)(length < LONGEST_STATE ? length : LONGEST_STATE), state,
				  length < LONGEST_STATE ? "" : "...");
}

// The kernel's own words, each line, and the steps that matter, in their order.
static void append_kernel(const struct ebs_refusal *refusal, struct ebs_buffer *out)
{
	const struct ebs_trail *trail = &refusal->trail;
	size_t shown = trail->count < STEPS_SHOWN - 1 ? trail->count : STEPS_SHOWN - 1;
	const char *line = refusal->log.messages.data;

	for (int i = 0; i < REASON_LINES && line && *line; i++) {
		size_t length = strcspn(line, "\n");

		ebs_buffer_printf(out, "\nkernel: %.*s", (int)length, line);
		line += length + (line[length] == '\n');
	}
	while (shown--)
		append_step(refusal, &trail->steps[shown], (int)trail->registers[shown], out);
	if (refusal->step.length)
		append_step(refusal, &refusal->step, refusal->number, out);
}

static void append_all(struct ebs_refusal *refusal, struct ebs_buffer *out)
{
	if (refusal->has_line && ebs_refusal_is_header(&refusal->line))
		note_outside_headers(refusal);
	if (refusal->has_line)
		ebs_refusal_show_place(out, &refusal->line, EBS_SHOW_ERROR);
	ebs_buffer_printf(out, "the verifier refuses \"%s\": ", refusal->refused->name);
	ebs_buffer_append(out, refusal->words.data, refusal->words.size);
	if (refusal->has_line)
		ebs_refusal_show_line(out, &refusal->line, refusal->part.length);
	ebs_buffer_append(out, refusal->notes.data, refusal->notes.size);
	append_kernel(refusal, out);
	ebs_refusal_log_keep(refusal->refused, out);
}

int ebs_refusal_tell(const struct ebs_refused *refused, struct ebs_buffer *out)
{
	struct ebs_refusal refusal = { .refused = refused };
	int result = analyze(&refusal);

	if (!result)
		append_all(&refusal, out);
	if (refusal.words.failed || refusal.notes.failed || out->failed)
		result = -ENOMEM;
	if (refusal.has_lines)
		ebs_line_info_free(&refusal.lines);
	ebs_verifier_log_free(&refusal.log);
	ebs_buffer_free(&refusal.words);
	ebs_buffer_free(&refusal.notes);
	free(refusal.message);
	return result;
}
