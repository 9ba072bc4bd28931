// SPDX-License-Identifier: GPL-2.0-only
// libbpf's words about what it can't open or load, put into ours: static programs, externs that
// this kernel lacks.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/near.h"
#include "kernel/object_private.h"
#include "types/line_info.h"
#include "types/prototypes.h"

#define FUNC 12 // BTF_KIND_FUNC

// The text in quotes behind `start`, if that is followed by `end`.
static bool find_name(const char *words, const char *start, const char *end, char *name,
		      size_t size)
{
	const char *place = words;

	while ((place = strstr(place, start))) {
		place += strlen(start);
		size_t length = strcspn(place, "'\n");

		if (length >= size || place[length] != '\'' ||
		    strncmp(place + length + 1, end, strlen(end)))
			continue;
		memcpy(name, place, length);
		name[length] = '\0';
		return true;
	}
	return false;
}

static int offer(void *context, const char *name, const char *parameters)
{
	ebs_near_offer(context, name);
	return 0;
}

static void explain_function(const char *name, int number, struct ebs_error *error)
{
	struct ebs_near near;

	ebs_near_begin(&near, name, strlen(name));
	ebs_prototypes_visit(FUNC, "", "*", false, 0, offer, &near, NULL);
	ebs_error_explain(error, number,
			  "this kernel has no function \"%s\" that programs could call (the C "
			  "declares it __ksym)%s; where it is declared __weak too, the program can "
			  "ask: bpf_ksym_exists(%s)",
			  name, ebs_near_text(&near), name);
}

// "FILE:LINE: " of a function, by the object's line information; "" where that isn't known.
static void append_line(const struct ebs_object *object, const char *section, const char *name,
			struct ebs_buffer *out)
{
	struct ebs_line_info lines;
	struct ebs_line line;

	if (ebs_line_info_open(&lines, object->elf, object->elf_size, section, name, NULL, 0))
		return;
	if (ebs_line_info_find(&lines, 0, &line))
		ebs_buffer_printf(out, "%s:%u: ", line.file, line.line);
	ebs_line_info_free(&lines);
}

static void explain_static(const struct ebs_object *object, const char *section, const char *name,
			   int number, struct ebs_error *error)
{
	struct ebs_buffer line = { 0 };

	append_line(object, section, name, &line);
	ebs_error_explain(error, number,
			  "%sprogram \"%s\" (SEC(\"%s\")) is static, so nobody could find it: "
			  "take the word static away",
			  line.size && !line.failed ? line.data : "", name, section);
	ebs_buffer_free(&line);
}

bool ebs_object_explain_words(const struct ebs_object *object, const char *words, int number,
			      struct ebs_error *error)
{
	char name[128], section[128] = "";

	if (find_name(words, "program '", " is static and not supported", name, sizeof(name))) {
		find_name(words, "sec '", ": program '", section, sizeof(section));
		explain_static(object, section, name, number, error);
	} else if (find_name(words, "extern (func ksym) '", ": not found", name, sizeof(name)) ||
		   find_name(words, "extern (func ksym) '", ": func_proto", name, sizeof(name))) {
		explain_function(name, number, error);
	} else if (find_name(words, "extern (var ksym) '", ": not found", name, sizeof(name)) ||
		   find_name(words, "extern (ksym) '", ": not found", name, sizeof(name)) ||
		   find_name(words, "extern '", " (strong): not resolved", name, sizeof(name))) {
		bool is_setting = strncmp(name, "CONFIG_", 7) == 0;

		ebs_error_explain(
			error, number,
			is_setting
				? "this kernel's configuration has no %s, or can't be read (the "
				  "C declares it __kconfig); where it is declared __weak too, it "
				  "reads as 0 then"
				: "this kernel has no variable \"%s\" (the C declares it extern); "
				  "where it is declared __weak too, its address is NULL then",
			name);
	} else if (strstr(words, "BTF is required, but is missing or corrupted")) {
		ebs_error_explain(error, number,
				  "BTF, which describes the C, can't count that much: a section of "
				  "variables and a struct may have at most 65535 of them");
	} else if (number == ENOENT && !*words) {
		ebs_error_explain(
			error, number,
			"a section of variables of the C is larger than 4 GiB, which no map "
			"can hold: make an array smaller");
	} else {
		return false;
	}
	return true;
}
