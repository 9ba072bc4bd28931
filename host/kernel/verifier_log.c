// SPDX-License-Identifier: GPL-2.0-only
// Reads the verifier's log, of kernels from 5.8 on. It is read from its end, as logs may have a
// hundred megabytes, and what matters stands in the last lines.
#include "kernel/verifier_log.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct text {
	const char *start;
	const char *end;
};

static bool starts_with(struct text text, const char *word)
{
	size_t length = strlen(word);

	return (size_t)(text.end - text.start) >= length && !memcmp(text.start, word, length);
}

// The line in front of `place`, without its newline. False at the beginning.
static bool line_before(const char *text, const char *place, struct text *line)
{
	if (place == text)
		return false;
	line->end = place[-1] == '\n' ? place - 1 : place;
	const char *newline = line->end > text ? memrchr(text, '\n', line->end - text) : NULL;
	line->start = newline ? newline + 1 : text;
	return true;
}

// Behind "12: ", or NULL.
static const char *skip_index(struct text line)
{
	const char *c = line.start;

	while (c < line.end && isdigit((unsigned char)*c))
		c++;
	return c > line.start && line.end - c > 2 && c[0] == ':' && c[1] == ' ' ? c + 2 : NULL;
}

// "12: (79) r1 = ...", or what libbpf puts in the place of one that it couldn't resolve.
static bool is_step(struct text line)
{
	const char *c = skip_index(line);

	return c && ((line.end - c > 4 && c[0] == '(' && isxdigit((unsigned char)c[1]) &&
		      isxdigit((unsigned char)c[2]) && c[3] == ')') ||
		     *c == '<');
}

static bool is_register(const char *c, const char *end)
{
	if (end - c < 3 || *c != 'R' || !isdigit((unsigned char)c[1]))
		return false;
	for (c++; c < end && (isalnum((unsigned char)*c) || *c == '_'); c++)
		;
	return c < end && *c == '=';
}

// Lines that are about the way and not about its end.
static bool is_trace(struct text line)
{
	static const char *const words[] = {
		";",
		"from ",
		"caller:",
		"callee:",
		"returning from callee:",
		"to caller ",
		"mark_precise",
		"last_idx ",
		"regs=",
		"parent ",
		"propagating",
		"cur state:",
		"old state:",
		"func#",
		"Func#",
		"Validating ",
		"frame",
		"stack depth ",
		"live regs",
		"verification time ",
		"processed ",
		"max_states ",
		"safe",
	};

	while (line.start < line.end && *line.start == ' ')
		line.start++;
	if (line.start == line.end || skip_index(line) || is_register(line.start, line.end))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (starts_with(line, words[i]))
			return true;
	// Said of every raw tracepoint's context.
	return starts_with(line, "reg type unsupported for arg#") ||
	       starts_with(line, "Unrecognized arg#") ||
	       (starts_with(line, "arg#") &&
		memmem(line.start, line.end - line.start, "size cannot be determined",
		       strlen("size cannot be determined")));
}

static bool is_between_functions(struct text line)
{
	return starts_with(line, "caller:") || starts_with(line, "returning from callee:") ||
	       starts_with(line, "Validating ");
}

int ebs_verifier_log_parse(struct ebs_verifier_log *log, const char *text, size_t size)
{
	struct text line;
	const char *place = text + size;
	const char *c;

	*log = (struct ebs_verifier_log){ .text = text, .size = size, .trace_end = text };
	while (line_before(text, place, &line)) {
		if (is_step(line)) {
			log->trace_end = place;
			break;
		}
		if (starts_with(line, "processed ")) {
			log->processed = strtoull(line.start + strlen("processed "), NULL, 10);
			log->whole = true;
		}
		place = line.start;
	}
	for (c = log->trace_end; c < text + size; c = line.end + 1) {
		const char *end = memchr(c, '\n', text + size - c);

		line = (struct text){ c, end ? end : text + size };
		if (is_trace(line))
			continue;
		if (log->messages.size)
			ebs_buffer_append_char(&log->messages, '\n');
		ebs_buffer_append(&log->messages, line.start, line.end - line.start);
	}
	return log->messages.failed ? -ENOMEM : 0;
}

void ebs_verifier_log_free(struct ebs_verifier_log *log)
{
	ebs_buffer_free(&log->messages);
}

bool ebs_verifier_log_is_silent(const char *text, size_t size)
{
	struct ebs_verifier_log log;
	bool silent = ebs_verifier_log_parse(&log, text, size) ||
		      (!log.messages.size && log.trace_end == text);

	ebs_verifier_log_free(&log);
	return silent;
}

// Behind the instruction there may be "; R0=...", or the number of the next one and its state.
static void split_step(struct text line, struct ebs_verifier_step *step)
{
	const char *text = skip_index(line);
	const char *end = line.end;

	step->index = (uint32_t)strtoul(line.start, NULL, 10);
	step->text = text;
	step->state = line.end;
	for (const char *c = text; c + 1 < line.end; c++) {
		const char *number = c + 1;

		if (*c != ' ')
			continue;
		if (c[1] == ';') {
			end = c;
			step->state = c + 2;
			break;
		}
		while (number < line.end && isdigit((unsigned char)*number))
			number++;
		if (number > c + 1 && line.end - number > 3 && number[0] == ':' &&
		    number[1] == ' ' && (number[2] == 'R' || number[2] == 'f')) {
			end = c;
			step->state = number + 2;
			break;
		}
	}
	while (end > text && end[-1] == ' ')
		end--;
	while (step->state < line.end && *step->state == ' ')
		step->state++;
	step->length = end - text;
	step->state_length = line.end - step->state;
}

bool ebs_verifier_log_back(const struct ebs_verifier_log *log, const char **place,
			   struct ebs_verifier_step *step)
{
	struct text line;

	step->other_function = false;
	while (line_before(log->text, *place, &line)) {
		*place = line.start;
		if (is_step(line)) {
			split_step(line, step);
			return true;
		}
		step->other_function |= is_between_functions(line);
	}
	return false;
}

bool ebs_verifier_step_register(const struct ebs_verifier_step *step, unsigned int number,
				const char **value, size_t *length)
{
	const char *end = step->state + step->state_length;

	for (const char *c = step->state; c < end; c++) {
		int depth = 0;

		if ((c > step->state && c[-1] != ' ') || !is_register(c, end) ||
		    strtoul(c + 1, NULL, 10) != number)
			continue;
		*value = (const char *)memchr(c, '=', end - c) + 1;
		for (c = *value; c < end && (*c != ' ' || depth > 0); c++)
			depth += *c == '(' ? 1 : *c == ')' ? -1 : 0;
		*length = c - *value;
		return true;
	}
	return false;
}
