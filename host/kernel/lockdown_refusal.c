// SPDX-License-Identifier: GPL-2.0-only
// Tells what a locked kernel refuses, and what to use in its place.
#include "kernel/lockdown_refusal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "kernel/attach_private.h"
#include "kernel/lockdown.h"
#include "kernel/program_kind.h"

bool ebs_is_locked_down(const char *at_least, char *mode, size_t size)
{
	ebs_lockdown_mode(mode, size);
	return strcmp(mode, "confidentiality") == 0 || strcmp(mode, at_least) == 0;
}

// What to use in place of a program that a locked kernel doesn't take, and ", or " behind it. Nothing
// where no other way is known.
static void append_other_way(struct ebs_buffer *out, const struct ebs_program *program,
			     const char *mode)
{
	static const char *const of_maps[] = { "bpf_map_elem", "sockmap", "bpf_sk_storage_map" };
	const char *section = program->section;
	const char *target = ebs_section_target(program);
	bool returns = strncmp(section, "fexit", 5) == 0;
	bool entry = strncmp(section, "fentry", 6) == 0;

	for (size_t i = 0; strncmp(section, "iter", 4) == 0 && target && i < 3; i++)
		if (strcmp(of_maps[i], target) == 0)
			ebs_buffer_append_string(out, "read the map from Lua, with pairs(map) or "
						      "map:get(key), or ");
	if (!returns && !entry && strncmp(section, "fmod_ret", 8) && strncmp(section, "lsm", 3))
		return;
	ebs_buffer_append_string(out, "use ");
	if ((entry || returns) && ebs_kernel_has_kprobes() && strcmp(mode, "confidentiality"))
		ebs_buffer_printf(out, "SEC(\"%s/%s\"), ", returns ? "kretprobe" : "kprobe",
				  target);
	ebs_buffer_append_string(out, "SEC(\"tp_btf/NAME\"), SEC(\"raw_tp/NAME\") or "
				      "SEC(\"tracepoint/CATEGORY/NAME\") (`ebscript -l` lists "
				      "them), or ");
}

int ebs_lockdown_refuse_load(const struct ebs_program *program, int number, struct ebs_error *error)
{
	struct ebs_buffer way = { 0 };
	char mode[32];

	if (abs(number) != EPERM || !ebs_program_kind_refused(program, number))
		return 0;
	if (strcmp(ebs_lockdown_mode(mode, sizeof(mode)), "none") == 0)
		return 0;
	append_other_way(&way, program, mode);
	bool unknown = !ebs_is_locked_down("integrity", mode, sizeof(mode));
	if (unknown && !way.size) // then it is a guess that needs more than the errno
		return 0;
	int result = ebs_error_explain(
		error, number,
		"can't load \"%s\" (SEC(\"%s\")): %s: this kernel is locked down (%s) and takes "
		"no programs of this kind: %sboot without lockdown",
		program->name, program->section, ebs_error_words(abs(number)),
		unknown ? "it seems: only root can ask" : mode, way.size ? way.data : "");
	ebs_buffer_free(&way);
	return result;
}

int ebs_lockdown_refuse_kprobe(const struct ebs_program *program, const char *doing,
			       const char *mode, int number, struct ebs_error *error)
{
	const char *trampoline = strncmp(program->section, "kret", 4) == 0 ? "fexit" : "fentry";
	const char *target = ebs_section_target(program);
	bool named = target && !strstr(program->section, "sys"); // not what ksyscall looks up

	return ebs_error_explain(error, number,
				 "%s: this kernel is locked down (%s) and takes no kprobe: use "
				 "SEC(\"%s/%s\"), a tracepoint, or boot without lockdown",
				 doing, mode, trampoline, named ? target : "FUNCTION");
}
