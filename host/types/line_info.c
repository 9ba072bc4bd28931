// SPDX-License-Identifier: GPL-2.0-only
// Which line of the C an instruction of a loaded program comes from. The object counts instructions
// by section; libbpf has put the functions of several sections behind one another, which is undone
// here: calls show where they begin, and their code which ones they are.
#include "types/line_info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "types/object_btf.h"

struct line {
	uint32_t section;
	struct ebs_line_record record;
};

// All functions of the object, and all lines.
struct tables {
	struct ebs_btf_blob *btf;
	struct ebs_buffer functions; // struct ebs_line_function, `first` and `count` not known yet
	struct ebs_buffer lines;     // struct line
};

static int take_function(void *context, uint32_t section, const void *record)
{
	const struct ebs_function_record *function = record;
	struct tables *tables = context;
	const char *name = "";

	if (function->type && function->type < tables->btf->count)
		name = ebs_btf_string(tables->btf,
				      ebs_btf_type(tables->btf, function->type)->name_off);
	struct ebs_line_function taken = {
		.name = name,
		.section = section,
		.origin = function->instruction / sizeof(struct bpf_insn),
	};
	ebs_buffer_append(&tables->functions, &taken, sizeof(taken));
	return tables->functions.failed ? -ENOMEM : 0;
}

static int take_line(void *context, uint32_t section, const void *record)
{
	struct tables *tables = context;
	struct line taken = { .section = section };

	memcpy(&taken.record, record, sizeof(taken.record));
	taken.record.instruction /= sizeof(struct bpf_insn);
	ebs_buffer_append(&tables->lines, &taken, sizeof(taken));
	return tables->lines.failed ? -ENOMEM : 0;
}

// Each function ends where the next one of its section begins, the last one with the section.
static void find_ends(const struct ebs_line_info *info, struct ebs_line_function *functions,
		      size_t count, const void *elf, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		struct ebs_line_function *function = &functions[i];
		size_t bytes = 0;
		uint32_t end;

		if (!ebs_elf_section(elf, size, ebs_btf_string(&info->btf, function->section),
				     &bytes))
			bytes = 0;
		end = bytes / sizeof(struct bpf_insn);
		for (size_t other = 0; other < count; other++)
			if (functions[other].section == function->section &&
			    functions[other].origin > function->origin &&
			    functions[other].origin < end)
				end = functions[other].origin;
		function->count = end > function->origin ? end - function->origin : 0;
	}
}

static bool is_call(const struct bpf_insn *instruction)
{
	return instruction->code == (BPF_JMP | BPF_CALL) && instruction->src_reg == BPF_PSEUDO_CALL;
}

static bool is_function_address(const struct bpf_insn *instruction)
{
	return instruction->code == (BPF_LD | BPF_IMM | BPF_DW) &&
	       instruction->src_reg == BPF_PSEUDO_FUNC;
}

// The first instruction behind `after` that a call, or an address of a function, points to;
// `count` when there is none.
static uint32_t next_start(const struct bpf_insn *instructions, uint32_t count, uint32_t after)
{
	uint32_t next = count;

	for (uint32_t i = 0; i < count; i++) {
		if (!is_call(&instructions[i]) && !is_function_address(&instructions[i]))
			continue;
		int64_t target = (int64_t)i + 1 + instructions[i].imm;
		if (target > after && target < next)
			next = (uint32_t)target;
	}
	return next;
}

// How many instructions are of another kind than in the object. Relocation changes operands, and
// few opcodes.
static uint32_t differences(const struct ebs_line_info *info,
			    const struct ebs_line_function *function,
			    const struct bpf_insn *instructions, const void *elf, size_t size)
{
	size_t bytes = 0;
	uint32_t different = 0;
	const char *section =
		ebs_elf_section(elf, size, ebs_btf_string(&info->btf, function->section), &bytes);

	if (!section ||
	    function->origin + (uint64_t)function->count > bytes / sizeof(*instructions))
		return UINT32_MAX;
	for (uint32_t i = 0; i < function->count; i++) {
		struct bpf_insn original;

		memcpy(&original, section + (function->origin + i) * sizeof(original),
		       sizeof(original));
		different += original.code != instructions[i].code ||
			     original.dst_reg != instructions[i].dst_reg;
	}
	return different;
}

// Puts the functions that the program consists of into info->functions.
static int find_parts(struct ebs_line_info *info, const struct tables *tables, const void *elf,
		      size_t size, const char *section, const char *name,
		      const struct bpf_insn *instructions, size_t count)
{
	const struct ebs_line_function *all = (const void *)tables->functions.data;
	size_t all_count = tables->functions.size / sizeof(*all);
	struct ebs_buffer parts = { 0 };

	for (uint32_t start = 0, end; start < count; start = end) {
		const struct ebs_line_function *best = NULL;
		uint32_t least = UINT32_MAX;

		end = next_start(instructions, (uint32_t)count, start);
		for (size_t i = 0; i < all_count; i++) {
			uint32_t different;

			if (all[i].count != end - start)
				continue;
			if (!start && (strcmp(all[i].name, name) ||
				       strcmp(ebs_btf_string(&info->btf, all[i].section), section)))
				continue;
			different = differences(info, &all[i], instructions + start, elf, size);
			if (different < least) {
				best = &all[i];
				least = different;
			}
		}
		if (!best)
			continue;
		struct ebs_line_function part = *best;
		part.first = start;
		ebs_buffer_append(&parts, &part, sizeof(part));
	}
	if (parts.failed) {
		ebs_buffer_free(&parts);
		return -ENOMEM;
	}
	info->function_count = parts.size / sizeof(*info->functions);
	info->functions = (void *)ebs_buffer_take(&parts);
	return 0;
}

// The function alone, as it lies in its section.
static int take_named(struct ebs_line_info *info, const struct tables *tables, const char *section,
		      const char *name)
{
	const struct ebs_line_function *all = (const void *)tables->functions.data;
	size_t count = tables->functions.size / sizeof(*all);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(all[i].name, name) ||
		    strcmp(ebs_btf_string(&info->btf, all[i].section), section))
			continue;
		info->functions = malloc(sizeof(*info->functions));
		if (!info->functions)
			return -ENOMEM;
		info->functions[0] = all[i];
		info->functions[0].first = 0;
		info->function_count = 1;
		return 0;
	}
	return -ENOENT;
}

int ebs_line_info_open(struct ebs_line_info *info, const void *elf, size_t size,
		       const char *section, const char *name, const struct bpf_insn *instructions,
		       size_t count)
{
	struct tables tables = { .btf = &info->btf };
	size_t btf_size = 0;
	size_t ext_size = 0;
	const void *btf = elf ? ebs_elf_section(elf, size, ".BTF", &btf_size) : NULL;
	const void *ext = elf ? ebs_elf_section(elf, size, ".BTF.ext", &ext_size) : NULL;

	*info = (struct ebs_line_info){ 0 };
	if (!btf || !ext || count > UINT32_MAX)
		return -ENOENT;
	if (ebs_btf_blob_view(&info->btf, btf, btf_size, name, NULL))
		return -EINVAL;
	int result = ebs_ext_visit(ext, ext_size, EBS_EXT_FUNCTIONS, take_function, &tables);
	if (!result)
		result = ebs_ext_visit(ext, ext_size, EBS_EXT_LINES, take_line, &tables);
	if (!result) {
		find_ends(info, (void *)tables.functions.data,
			  tables.functions.size / sizeof(*info->functions), elf, size);
		result = instructions ? find_parts(info, &tables, elf, size, section, name,
						   instructions, count)
				      : take_named(info, &tables, section, name);
	}
	ebs_buffer_free(&tables.functions);
	info->line_count = tables.lines.size / sizeof(struct line);
	info->lines = ebs_buffer_take(&tables.lines);
	if (result)
		ebs_line_info_free(info);
	return result;
}

void ebs_line_info_free(struct ebs_line_info *info)
{
	if (info->btf.data)
		ebs_btf_blob_close(&info->btf);
	free(info->functions);
	free(info->lines);
	*info = (struct ebs_line_info){ 0 };
}

const struct ebs_line_function *ebs_line_info_function(const struct ebs_line_info *info,
						       uint32_t index)
{
	for (size_t i = 0; i < info->function_count; i++)
		if (index - info->functions[i].first < info->functions[i].count)
			return &info->functions[i];
	return NULL;
}

// The last record in front of the instruction is its own, as the kernel sees it too.
bool ebs_line_info_find(const struct ebs_line_info *info, uint32_t index, struct ebs_line *line)
{
	const struct ebs_line_function *function = ebs_line_info_function(info, index);
	const struct line *lines = info->lines;
	const struct line *best = NULL;
	if (!function)
		return false;
	uint32_t place = index - function->first + function->origin;

	for (size_t i = 0; i < info->line_count; i++)
		if (lines[i].section == function->section && lines[i].record.instruction <= place &&
		    lines[i].record.instruction >= function->origin &&
		    (!best || lines[i].record.instruction >= best->record.instruction))
			best = &lines[i];
	if (!best || !(best->record.place >> 10))
		return false;
	const char *file = ebs_btf_string(&info->btf, best->record.file);
	while (strncmp(file, "./", 2) == 0) // the folder that compiles are said to be in
		file += 2;
	*line = (struct ebs_line){
		.file = file,
		.text = ebs_btf_string(&info->btf, best->record.text),
		.line = best->record.place >> 10,
		.column = best->record.place & 0x3ff,
	};
	return true;
}
