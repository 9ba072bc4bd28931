// SPDX-License-Identifier: GPL-2.0-only
// Follows registers and loops backwards through a verifier's log.
#include "kernel/verifier_story.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_POINTER 10
#define NOTHING       (-1)

// What is followed: a register, or a place on the stack.
struct followed {
	int number; // of the register; NOTHING while it is none
	int offset; // on the stack; 0 while it is none
};

// What an instruction does, as far as it matters.
struct action {
	int target;        // register that it sets, or NOTHING
	int target_offset; // place on the stack that it sets, or 0
	int source;        // register that the value comes from, or NOTHING
	int source_offset; // place on the stack, likewise, or 0
	bool adds;         // the target's old value matters, too
	bool call;         // it gives what a function returns
};

static const char *behind_opcode(const struct ebs_verifier_step *step)
{
	const char *end = step->text + step->length;
	const char *space = memchr(step->text, ' ', step->length);

	return space ? space + 1 : end;
}

// "r1", "w1": its number, and what is behind it.
static int read_register(const char *c, const char *end, const char **behind)
{
	char *stop;

	if (end - c < 2 || (*c != 'r' && *c != 'w') || !isdigit((unsigned char)c[1]))
		return NOTHING;
	int number = (int)strtol(c + 1, &stop, 10);
	*behind = stop;
	return number;
}

// The offset in "(r10 -8)" behind the type, when it is the stack's; else 0.
static int stack_offset(const char *c, const char *end)
{
	const char *base = memmem(c, end - c, "(r10 ", 5);

	return base ? (int)strtol(base + 5, NULL, 10) : 0;
}

static int first_register(const char *c, const char *end)
{
	const char *behind;

	for (; c < end; c++) {
		int number = read_register(c, end, &behind);
		if (number >= 0 && !isalnum((unsigned char)c[-1]))
			return number;
	}
	return NOTHING;
}

static struct action read_action(const struct ebs_verifier_step *step)
{
	struct action action = { .target = NOTHING, .source = NOTHING };
	const char *c = behind_opcode(step);
	const char *end = step->text + step->length;
	const char *equals = memmem(c, end - c, "= ", 2);
	const char *behind;

	if (end - c > 5 && !memcmp(c, "call ", 5)) {
		action.target = 0;
		action.call = true;
		return action;
	}
	if (!equals || (end - c > 3 && !memcmp(c, "if ", 3)))
		return action;
	if (*c == '*') {
		action.target_offset = stack_offset(c, equals);
		action.source = first_register(equals + 1, end);
		return action;
	}
	action.target = read_register(c, end, &behind);
	if (action.target < 0)
		return action;
	action.adds = behind + 1 != equals;
	if (memchr(equals, '*', end - equals))
		action.source_offset = stack_offset(equals, end);
	else
		action.source = first_register(equals + 1, end);
	return action;
}

static bool is_set_by(const struct followed *followed, const struct action *action)
{
	if (followed->number >= 0)
		return action->target == followed->number;
	return followed->offset && action->target_offset == followed->offset;
}

static bool is_lost(const struct followed *followed)
{
	return followed->number < 0 && !followed->offset;
}

static void follow_source(struct followed *followed, const struct action *action)
{
	*followed = (struct followed){ action->source, action->source_offset };
	if (followed->number == FRAME_POINTER)
		*followed = (struct followed){ NOTHING, 0 };
}

static bool keep(struct ebs_trail *trail, const struct ebs_verifier_step *step,
		 const struct action *action)
{
	if (trail->count == EBS_TRAIL_STEPS)
		return false;
	trail->registers[trail->count] = action->target >= 0 ? action->target : action->source;
	trail->steps[trail->count++] = *step;
	return true;
}

// R6 to R9 belong to one function.
static void leave_function(struct followed *followed)
{
	if (followed->number > 5 || followed->offset)
		*followed = (struct followed){ NOTHING, 0 };
}

void ebs_trail_follow(const struct ebs_verifier_log *log, const char *place, unsigned int number,
		      struct ebs_trail *trail)
{
	struct followed value = { (int)number, 0 };
	struct followed added = { NOTHING, 0 };
	struct ebs_verifier_step step;

	trail->count = 0;
	trail->origin = trail->number_origin = NOTHING;
	while ((!is_lost(&value) || !is_lost(&added)) &&
	       ebs_verifier_log_back(log, &place, &step)) {
		struct action action = read_action(&step);
		bool sets_value = is_set_by(&value, &action);
		bool sets_added = is_set_by(&added, &action);

		if (step.other_function) {
			leave_function(&value);
			leave_function(&added);
		}
		if (!sets_value && !sets_added)
			continue;
		if (!keep(trail, &step, &action))
			return;
		if (sets_value && action.adds) {
			if (is_lost(&added) && action.source >= 0)
				added.number = action.source;
		} else if (sets_value) {
			follow_source(&value, &action);
			if (is_lost(&value))
				trail->origin = (int)trail->count - 1;
		}
		if (sets_added && !action.adds) {
			follow_source(&added, &action);
			if (is_lost(&added))
				trail->number_origin = (int)trail->count - 1;
		}
	}
}

#define COMPARED_STEPS 256 // between where a number comes from and where it is used

// A step on the way of a number, and the register that holds it in front of the step.
struct way_step {
	struct ebs_verifier_step step;
	int holder;
};

// The way of the number that is added to a register, its end first. Returns how many steps it has,
// with the one that the number comes from; 0 when that isn't found.
static size_t find_way(const struct ebs_verifier_log *log, const char *place, unsigned int number,
		       struct way_step *way)
{
	struct followed value = { (int)number, 0 }, added = { NOTHING, 0 };
	size_t count = 0;

	while (count < COMPARED_STEPS && ebs_verifier_log_back(log, &place, &way[count].step)) {
		struct action action = read_action(&way[count].step);

		if (way[count].step.other_function)
			return 0;
		way[count++].holder = added.number;
		if (is_lost(&added)) {
			count = 0;
			if (!is_set_by(&value, &action))
				continue;
			if (action.adds)
				added.number = action.source;
			else
				follow_source(&value, &action);
			if (is_lost(&value))
				return 0;
		} else if (is_set_by(&added, &action) && !action.adds) {
			follow_source(&added, &action);
			if (is_lost(&added))
				return count;
		}
	}
	return 0;
}

// What is made of a number, by register: 0 nothing, else which of its values it is. The verifier
// knows copies of one value together.
struct made {
	int values[FRAME_POINTER];
	int last;
};

static void make(struct made *made, const struct ebs_verifier_step *step, bool is_origin)
{
	struct action action = read_action(step);
	int source = action.source >= 0 && action.source < FRAME_POINTER
			     ? made->values[action.source]
			     : 0;

	if (action.call)
		memset(&made->values[1], 0, 5 * sizeof(*made->values)); // its arguments
	if (action.target < 0 || action.target >= FRAME_POINTER)
		return;
	int *target = &made->values[action.target];
	bool copies = !action.adds && step->length > 4 &&
		      (!memcmp(step->text, "(bf)", 4) || !memcmp(step->text, "(bc)", 4));
	if (is_origin || (!copies && (source || (action.adds && *target))))
		*target = ++made->last;
	else
		*target = copies ? source : 0;
}

bool ebs_trail_compared(const struct ebs_verifier_log *log, const char *place, unsigned int number,
			struct ebs_verifier_step *compared)
{
	struct way_step way[COMPARED_STEPS];
	size_t count = find_way(log, place, number, way);
	struct made made = { 0 };
	bool found = false;

	for (size_t i = count; i-- > 0;) {
		const struct ebs_verifier_step *step = &way[i].step;
		const char *end = step->text + step->length;
		const char *c = behind_opcode(step);
		int holder = way[i].holder;

		if (end - c > 3 && !memcmp(c, "if ", 3)) {
			int asked = first_register(c + 3, end);

			if (asked >= 0 && asked < FRAME_POINTER && holder >= 0 &&
			    holder < FRAME_POINTER && made.values[asked] &&
			    made.values[asked] != made.values[holder]) {
				*compared = *step;
				found = true;
			}
		} else {
			make(&made, step, i == count - 1);
		}
	}
	return found;
}

size_t ebs_step_helper(const struct ebs_verifier_step *step, const char **name)
{
	const char *c = behind_opcode(step);
	const char *end = step->text + step->length;

	if (end - c < 6 || memcmp(c, "call ", 5) || !memcmp(c + 5, "pc", 2))
		return 0;
	*name = c + 5;
	for (c += 5; c < end && (isalnum((unsigned char)*c) || *c == '_'); c++)
		;
	return c - *name;
}

void ebs_log_count_rounds(const struct ebs_verifier_log *log, size_t limit, uint32_t *rounds,
			  size_t count)
{
	const char *place = log->trace_end;
	struct ebs_verifier_step step;

	memset(rounds, 0, count * sizeof(*rounds));
	while (limit-- && ebs_verifier_log_back(log, &place, &step))
		if (step.index < count)
			rounds[step.index]++;
}

uint32_t ebs_stack_use(const struct bpf_insn *instructions, size_t count)
{
	bool is_frame[16] = { [FRAME_POINTER] = true };
	int32_t lowest = 0;

	for (size_t i = 0; i < count; i++) {
		const struct bpf_insn *insn = &instructions[i];
		uint8_t class = BPF_CLASS(insn->code);
		bool through_target = class == BPF_ST || class == BPF_STX;
		int32_t offset = 0;

		if (through_target || class == BPF_LDX) {
			if (is_frame[through_target ? insn->dst_reg : insn->src_reg])
				offset = insn->off;
		} else if (insn->code == (BPF_ALU64 | BPF_ADD | BPF_K) && is_frame[insn->dst_reg]) {
			offset = insn->imm;
		}
		if (offset < lowest)
			lowest = offset;
		// A copy counts until something is added: that was seen above.
		if (class == BPF_LDX || class == BPF_ALU || class == BPF_ALU64)
			is_frame[insn->dst_reg] = insn->dst_reg == FRAME_POINTER ||
						  (insn->code == (BPF_ALU64 | BPF_MOV | BPF_X) &&
						   insn->src_reg == FRAME_POINTER);
	}
	return (uint32_t)-lowest;
}
