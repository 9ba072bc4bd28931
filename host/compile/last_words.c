// SPDX-License-Identifier: GPL-2.0-only
// What LLVM says about the C in the moment in which it ends the process.
#include "compile/last_words.h"

#include <ctype.h>
#include <string.h>

#include "base/buffer.h"

#define UNSELECTABLE "LLVM ERROR: Cannot select: "
#define CALLER       " @[ "

// A piece of a line of text.
struct piece {
	const char *start;
	int size;
};

// Cuts "WORD:NUMBER" down to WORD; false when there is no number.
static bool drop_number(struct piece *piece)
{
	int size = piece->size;

	while (size && isdigit((unsigned char)piece->start[size - 1]))
		size--;
	if (size == piece->size || size < 2 || piece->start[size - 1] != ':')
		return false;
	piece->size = size - 1;
	return true;
}

// "FILE:LINE:COLUMN" behind the last operand.
static bool find_place(struct piece line, struct piece *place)
{
	for (int i = line.size - 2; i > 0; i--) {
		if (line.start[i - 1] != ',' || line.start[i] != ' ')
			continue;
		*place = (struct piece){ line.start + i + 1, line.size - i - 1 };
		struct piece rest = *place;
		return drop_number(&rest) && drop_number(&rest);
	}
	return false;
}

// What the code generator calls the operation: the word behind " = ".
static struct piece find_operation(struct piece line)
{
	const char *sign = memmem(line.start, line.size, " = ", 3);
	struct piece operation = { sign ? sign + 3 : line.start, 0 };

	while (isalnum((unsigned char)operation.start[operation.size]) ||
	       operation.start[operation.size] == '_')
		operation.size++;
	return operation;
}

// Appends where the function that the place is in was inlined, and so on outwards: " @[
// FILE:LINE:COLUMN @[ ... ] ]".
static void append_callers(struct ebs_buffer *text, struct piece callers)
{
	const char *end = callers.start + callers.size;
	const char *caller = callers.start;

	while ((caller = memmem(caller, end - caller, CALLER, strlen(CALLER)))) {
		caller += strlen(CALLER);
		const char *next = memmem(caller, end - caller, " ", 1);
		while (next && next[1] != '@' && next[1] != ']') // a space in the file's name
			next = memmem(next + 1, end - next - 1, " ", 1);
		ebs_buffer_append_string(text, "\n");
		ebs_buffer_append(text, caller, (next ? next : end) - caller);
		ebs_buffer_append_string(text, ": note: called from here");
	}
}

// The code generator has found an operation that BPF has no instruction for, and prints it as
//	LLVM ERROR: Cannot select: 0x1: i32 = sdiv 0x2, 0x3, NAME:LINE:COLUMN
bool ebs_last_words_blame(const char *messages, const char *words, struct ebs_error *error)
{
	const char *start = words ? strstr(words, UNSELECTABLE) : NULL;
	struct ebs_buffer text = { 0 };
	struct piece place;

	if (!start)
		return false;
	start += strlen(UNSELECTABLE);
	struct piece line = { start, (int)strcspn(start, "\n") };
	const char *caller = memmem(line.start, line.size, CALLER, strlen(CALLER));
	struct piece callers = { caller, caller ? (int)(line.start + line.size - caller) : 0 };
	line.size -= callers.size;
	if (!find_place(line, &place))
		return false;

	struct piece operation = find_operation(line);
	if (messages && *messages)
		ebs_buffer_printf(&text, "%s\n", messages);
	ebs_buffer_append(&text, place.start, place.size);
	if (operation.size == 4 && memcmp(operation.start, "sdiv", 4) == 0)
		ebs_buffer_append_string(
			&text, ": error: unsupported signed division, make its operands unsigned");
	else
		ebs_buffer_printf(&text, ": error: BPF has no instruction for this (%.*s)",
				  operation.size, operation.start);
	if (callers.size)
		append_callers(&text, callers);
	bool is_found = !text.failed;
	if (is_found)
		ebs_error_set(error, "COMPILE", "%s", text.data);
	ebs_buffer_free(&text);
	return is_found;
}
