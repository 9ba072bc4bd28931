// SPDX-License-Identifier: GPL-2.0-only
// Any text as the verifier's log, and as a line of C; any bytes as an object's lines.
#include "fuzz.h"

#include <linux/bpf.h>

#include "kernel/refusal.h"
#include "types/c_expression.h"
#include "types/line_info.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}

static void try_line(const char *line, size_t size)
{
	struct ebs_c_part part;

	for (uint32_t column = 0; column <= size + 1 && column < 200; column++) {
		if (ebs_c_operand_at(line, column, &part)) {
			MUST(part.start >= line && part.length <= size &&
			     part.start + part.length <= line + size);
			part = ebs_c_pointer_of(part);
			MUST(part.start >= line && part.start + part.length <= line + size);
		}
		ebs_c_call_at(line, column, &part);
		ebs_c_argument_at(line, column, 2, &part);
		ebs_c_assigned_at(line, column, &part);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bpf_insn instructions[64] = { 0 };
	size_t bytes = size < sizeof(instructions) ? size : sizeof(instructions);
	char *text = strndup((const char *)data, size);
	MUST(text);
	size_t length = strlen(text);
	struct ebs_refused refused = {
		.name = "run",
		.section = "xdp",
		.elf = seed_object()->data,
		.elf_size = seed_object()->size,
		.instructions = instructions,
		.count = 64,
		.log = text,
		.log_size = length,
	};
	struct ebs_buffer out = { 0 };
	struct ebs_line_info info;
	struct ebs_line line;

	memcpy(instructions, data, bytes);
	if (length)
		MUST(!ebs_refusal_tell(&refused, &out) && out.size);
	try_line(text, length);
	if (!ebs_line_info_open(&info, data, size, "xdp", "run", instructions, 64)) {
		for (uint32_t i = 0; i < 64; i++)
			ebs_line_info_find(&info, i, &line);
		ebs_line_info_free(&info);
	}
	ebs_buffer_free(&out);
	free(text);
	return 0;
}
