// SPDX-License-Identifier: GPL-2.0-only
// Which maps an object's programs add entries to: read from their instructions.
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "kernel/object_private.h"

#define FIRST_ARGUMENT BPF_REG_1
#define LAST_ARGUMENT  BPF_REG_5 // a call leaves nothing in the registers up to this one

static bool is_call(const struct bpf_insn *instruction)
{
	return instruction->code == (BPF_JMP | BPF_CALL);
}

static bool is_update(const struct bpf_insn *instruction)
{
	return is_call(instruction) && !instruction->src_reg &&
	       instruction->imm == BPF_FUNC_map_update_elem;
}

static bool writes(const struct bpf_insn *instruction, uint8_t reg)
{
	switch (BPF_CLASS(instruction->code)) {
	case BPF_ALU:
	case BPF_ALU64:
	case BPF_LD:
	case BPF_LDX:
		return instruction->dst_reg == reg;
	default:
		return is_call(instruction) && reg <= LAST_ARGUMENT;
	}
}

// Whether the call before `end` may be for the map: looks for what puts the map into its first
// argument, which compilers do just before. What can't be followed may be for any map.
static bool may_be_for(const struct bpf_insn *first, const struct bpf_insn *call, int fd)
{
	uint8_t reg = FIRST_ARGUMENT;

	for (const struct bpf_insn *i = call - 1; i >= first; i--) {
		if (!writes(i, reg))
			continue;
		if (i->code == (BPF_LD | BPF_IMM | BPF_DW))
			return i->src_reg != BPF_PSEUDO_MAP_FD || i->imm == fd;
		if (i->code != (BPF_ALU64 | BPF_MOV | BPF_X))
			return true;
		reg = i->src_reg;
	}
	return true;
}

bool ebs_programs_update(const struct ebs_object *object, const struct ebs_map *map)
{
	for (size_t i = 0; i < object->program_count; i++) {
		const struct bpf_program *program = object->programs[i].handle;
		const struct bpf_insn *first = bpf_program__insns(program);
		size_t count = bpf_program__insn_cnt(program);

		for (const struct bpf_insn *call = first; call < first + count; call++)
			if (is_update(call) && may_be_for(first, call, map->fd))
				return true;
	}
	return false;
}
