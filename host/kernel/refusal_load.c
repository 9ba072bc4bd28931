// SPDX-License-Identifier: GPL-2.0-only
// Loads an object with room for the verifier's log, and explains what the verifier refuses.
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/log.h"
#include "kernel/object_private.h"
#include "kernel/refusal.h"
#include "kernel/verifier_log.h"

// libbpf names the program in its own words only.
struct ebs_program *ebs_object_refused_program(struct ebs_object *object)
{
	char words[256];

	for (size_t i = 0; i < object->program_count; i++) {
		snprintf(words, sizeof(words), "prog '%s': BPF program load failed",
			 object->programs[i].name);
		if (strstr(ebs_log_text(), words))
			return &object->programs[i];
	}
	return NULL;
}

// Where the log is silent, the refusal isn't the verifier's: load_failure.c explains it.
static void explain(struct ebs_object *object, const struct ebs_program *program, const char *log,
		    struct ebs_error *error)
{
	struct ebs_refused refused = {
		.name = program->name,
		.section = bpf_program__section_name(program->handle), // as the ELF file has it
		.elf = object->elf,
		.elf_size = object->elf_size,
		.instructions = bpf_program__insns(program->handle),
		.count = bpf_program__insn_cnt(program->handle),
		.log = log,
		.log_size = strlen(log),
	};
	struct ebs_buffer text = { 0 };

	if (!ebs_verifier_log_is_silent(log, refused.log_size) &&
	    !ebs_refusal_tell(&refused, &text))
		ebs_error_set(error, "VERIFY", "%s", text.data);
	ebs_buffer_free(&text);
}

int ebs_programs_load(struct ebs_object *object, struct ebs_error *error)
{
	size_t size;
	char *log = ebs_refusal_log_memory(&size);

	if (!log)
		return ebs_error_errno(error, errno, "can't load %s", object->name);
	for (size_t i = 0; i < object->program_count; i++)
		bpf_program__set_log_buf(object->programs[i].handle, log, size);
	int result = bpf_object__load(object->handle);
	const struct ebs_program *refused = result ? ebs_object_refused_program(object) : NULL;
	// These come after the verifier was content, which its log then says.
	if (refused && result != -EMFILE && result != -ENFILE && result != -ENOMEM)
		explain(object, refused, log, error);
	ebs_refusal_log_free(log, size); // libbpf doesn't load an object twice
	return result;
}
