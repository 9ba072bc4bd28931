// SPDX-License-Identifier: GPL-2.0-only
// What stands behind a refusal: where a value comes from, what is still held, which loop it is, who
// takes the stack.
#include <stdlib.h>
#include <string.h>

#include "kernel/refusal_private.h"

#define STEPS_COUNTED 200000 // enough to see which loop goes round
#define MANY_ROUNDS   64

static bool is_question(const struct ebs_verifier_step *step)
{
	return step->length > 8 && !memcmp(step->text + 5, "if ", 3);
}

static bool is_load(const struct ebs_verifier_step *step)
{
	return memmem(step->text, step->length, "= *(", 4);
}

// What a number may be at most, as the verifier says; 0 when it says nothing.
static unsigned long long largest(const struct ebs_verifier_step *step, unsigned int number)
{
	const char *value;
	size_t length;
	unsigned long long most = 0;

	if (ebs_verifier_step_register(step, number, &value, &length)) {
		const char *bound = memmem(value, length, "umax", 4);
		const char *equals = bound ? memchr(bound, '=', value + length - bound) : NULL;
		if (equals)
			most = strtoull(equals + 1, NULL, 0);
	}
	return most;
}

// Tells where a value comes from, when that is a call or something that was read.
static bool note_origin(struct ebs_refusal *refusal, int place, bool number)
{
	const struct ebs_verifier_step *step = &refusal->trail.steps[place];
	struct ebs_buffer who = { 0 };
	const char *helper;
	struct ebs_line line;
	size_t length = ebs_step_helper(step, &helper);

	if (!ebs_refusal_line(refusal, step->index, &line) ||
	    ebs_refusal_same_line(&line, &refusal->line) || (!length && !is_load(step)))
		return false;
	if (number)
		ebs_buffer_append_string(&who, "the number");
	else if (refusal->copied) // an array behind it, or the pointer itself: the C doesn't show
		ebs_buffer_append_string(&who, "the pointer");
	else
		ebs_refusal_say_value(refusal, &who);
	if (who.data && length)
		ebs_refusal_note(refusal, &line, "%s is what %.*s() gives here", who.data,
				 (int)length, helper);
	else if (who.data && number && largest(step, refusal->trail.registers[place]))
		ebs_refusal_note(refusal, &line, "%s is read here, and may be up to %llu", who.data,
				 largest(step, refusal->trail.registers[place]));
	else if (who.data)
		ebs_refusal_note(refusal, &line, "%s is read here", who.data);
	ebs_buffer_free(&who);
	return true;
}

// The compiler may compare one register and use another, of which nothing is known then.
static void tell_compared(struct ebs_refusal *refusal)
{
	struct ebs_verifier_step step;
	struct ebs_line line;

	if (refusal->number >= 0 &&
	    ebs_trail_compared(&refusal->log, refusal->before, refusal->number, &step) &&
	    ebs_refusal_line(refusal, step.index, &line))
		ebs_refusal_note(
			refusal, &line,
			"it is compared from here on, but in another register: keep the number in "
			"one variable, as `x`, and write `barrier_var(x);` before the "
			"comparison");
}

static void tell_origin(struct ebs_refusal *refusal, bool number)
{
	if (refusal->number < 0)
		return;
	ebs_trail_follow(&refusal->log, refusal->before, refusal->number, &refusal->trail);
	if (number && refusal->trail.number_origin >= 0 &&
	    note_origin(refusal, refusal->trail.number_origin, true))
		return;
	if (refusal->trail.origin >= 0)
		note_origin(refusal, refusal->trail.origin, false);
}

// The step that got it, and the last question on the way from there: it is what made the
// difference.
static void find_way(struct ebs_refusal *refusal, uint32_t origin)
{
	const char *place = refusal->before;
	struct ebs_trail *trail = &refusal->trail;
	struct ebs_verifier_step step;

	while (ebs_verifier_log_back(&refusal->log, &place, &step)) {
		if (step.index != origin && !(is_question(&step) && trail->count == 0))
			continue;
		trail->registers[trail->count] = 0;
		trail->steps[trail->count++] = step;
		if (step.index == origin)
			return;
	}
}

static void tell_reference(struct ebs_refusal *refusal)
{
	uint32_t origin = (uint32_t)ebs_refusal_group(refusal, 2);
	struct ebs_trail *trail = &refusal->trail;
	struct ebs_buffer who = { 0 };
	struct ebs_c_part variable;
	struct ebs_line got, line;
	const char *helper = "the helper";
	size_t length = strlen(helper);

	find_way(refusal, origin);
	if (trail->count && trail->steps[trail->count - 1].index == origin)
		length = ebs_step_helper(&trail->steps[trail->count - 1], &helper);
	bool known = ebs_refusal_line(refusal, origin, &got);
	if (known && ebs_c_assigned_at(got.text, got.column, &variable))
		ebs_buffer_printf(&who, "`%.*s`", (int)variable.length, variable.start);
	else
		ebs_buffer_printf(&who, "what %.*s() gave", (int)length, helper);
	ebs_buffer_printf(&refusal->words,
			  "%s is still held when the program ends here: call %s on every way",
			  who.data ? who.data : "it", ebs_verifier_release(helper, length));
	ebs_buffer_free(&who);
	if (known)
		ebs_refusal_note(refusal, &got, "it comes from here");
	if (trail->count && is_question(&trail->steps[0]) &&
	    ebs_refusal_line(refusal, trail->steps[0].index, &line))
		ebs_refusal_note(refusal, &line, "the way that forgets it goes through here");
}

// Whether a line begins with a word that makes loops.
static bool begins_loop(const struct ebs_line *line, uint32_t *column)
{
	static const char *const words[] = { "for", "while", "do", "bpf_for", "bpf_repeat" };
	size_t indent = strspn(line->text, " \t");

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t length = strlen(words[i]);

		if (!strncmp(line->text + indent, words[i], length) &&
		    strchr(" ({", line->text[indent + length])) {
			*column = indent + 1;
			return true;
		}
	}
	return false;
}

// The line that stands for a loop, out of the instructions that went round most often: the one
// with the loop's word, else that of the first of them.
static bool find_loop_line(const struct ebs_refusal *refusal, const uint32_t *rounds,
			   uint32_t least, struct ebs_line *found)
{
	struct ebs_line line;
	bool any = false;

	for (size_t i = 0; i < refusal->refused->count; i++) {
		uint32_t column;

		if (rounds[i] < least || !ebs_refusal_line(refusal, i, &line))
			continue;
		if (begins_loop(&line, &column)) {
			*found = line;
			found->column = column;
			return true;
		}
		if (!any)
			*found = line;
		any = true;
	}
	return any;
}

static void tell_loop(struct ebs_refusal *refusal)
{
	size_t count = refusal->refused->count;
	uint32_t *rounds = calloc(count + 1, sizeof(*rounds));
	uint32_t most = 0;
	unsigned long long all = refusal->log.processed;

	if (!rounds)
		return;
	ebs_log_count_rounds(&refusal->log, STEPS_COUNTED, rounds, count);
	for (size_t i = 0; i < count; i++)
		if (rounds[i] > most)
			most = rounds[i];
	bool loops = most >= MANY_ROUNDS;
	if (loops)
		refusal->has_line |=
			find_loop_line(refusal, rounds, most - most / 4, &refusal->line);
	free(rounds);
	if (refusal->rule->words)
		return;
	if (loops)
		ebs_buffer_printf(
			&refusal->words,
			"the verifier saw no end of this loop, %u rounds before it gave up at %llu "
			"instructions: count up to a smaller constant, as by `for (int i = 0; i < "
			"64; i++)`, or use bpf_loop()",
			most, all);
	else
		ebs_buffer_printf(
			&refusal->words,
			"there are too many ways through the program: the verifier gave "
			"up after %llu instructions; ask less often, or put parts into "
			"functions that aren't static, with __noinline: each is looked at "
			"by itself",
			all);
}

// Which functions take the stack, the caller first.
static void tell_stack(struct ebs_refusal *refusal)
{
	const struct ebs_line_info *lines = &refusal->lines;
	uint32_t most = 0;

	ebs_buffer_append_string(&refusal->words, lines->function_count ? " (" : "");
	for (size_t i = 0; i < lines->function_count; i++) {
		const struct ebs_line_function *function = &lines->functions[i];
		uint32_t use = ebs_stack_use(refusal->refused->instructions + function->first,
					     function->count);

		ebs_buffer_printf(&refusal->words, "%s%s() has %u", i ? ", " : "", function->name,
				  use);
		if (use > most && ebs_refusal_line(refusal, function->first, &refusal->line)) {
			most = use;
			refusal->has_line = true;
		}
	}
	ebs_buffer_append_string(&refusal->words, lines->function_count ? ")" : "");
}

void ebs_refusal_story(struct ebs_refusal *refusal)
{
	switch (refusal->rule->story) {
	case EBS_STORY_NONE:
		break;
	case EBS_STORY_POINTER:
	case EBS_STORY_OFFSET:
		tell_origin(refusal, refusal->rule->story == EBS_STORY_OFFSET);
		if (refusal->rule->story == EBS_STORY_OFFSET)
			tell_compared(refusal);
		break;
	case EBS_STORY_REFERENCE:
		tell_reference(refusal);
		break;
	case EBS_STORY_LOOP:
		tell_loop(refusal);
		break;
	case EBS_STORY_STACK:
		tell_stack(refusal);
		break;
	}
}
