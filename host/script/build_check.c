// SPDX-License-Identifier: GPL-2.0-only
// What the compiler takes and nobody does: variables that begin with addresses. A program would
// read 0 there.
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "script/build_private.h"
#include "types/c_declaration.h"
#include "types/pointer_tables.h"

static bool append_place(struct ebs_buffer *out, const char *file, const char *text, size_t size,
			 const char *name)
{
	struct ebs_c_place place;

	if (!text || !ebs_c_find_declaration(text, size, name, &place))
		return false;
	ebs_buffer_printf(out, "%s:%zu:%zu: ", file, place.line, place.column);
	return true;
}

// "FILE:LINE: " of the variable: in the C itself, in a file that it includes, or where a program
// uses what has no name.
static void append_line(const struct ebs_work *work, const struct ebs_pointer_table *table,
			struct ebs_buffer *out)
{
	const struct ebs_source *source = work->source;
	const char *name = table->name;

	if (!name && table->file)
		ebs_buffer_printf(out,
				  "%s:%u: ", table->file + (strncmp(table->file, "./", 2) ? 0 : 2),
				  table->line);
	if ((!name && table->file) ||
	    (name && append_place(out, source->name, source->text.data, source->text.size, name)))
		return;
	for (size_t i = 0; name && i < work->tokens.files.count; i++) {
		const char *path = work->tokens.files.list[i].path;
		struct ebs_buffer file = { 0 }; // with all of its lines
		bool found = path && !ebs_buffer_read_file(&file, path) &&
			     append_place(out, path, file.data, file.size, name);

		ebs_buffer_free(&file);
		if (found)
			return;
	}
	ebs_buffer_printf(out, "%s: ", source->name);
}

// What to write in its place.
static void append_advice(const struct ebs_pointer_table *table, struct ebs_buffer *out)
{
	const char *dot = table->name ? strchr(table->name, '.') : NULL;
	const char *name = dot ? dot + 1 : table->name ? table->name : "names";

	if (table->to == EBS_TO_FUNCTION) {
		ebs_buffer_append_string(out, "call the functions in a `switch`");
	} else if (table->to == EBS_TO_OTHER) {
		ebs_buffer_append_string(out, "choose by a number in a `switch`");
	} else if (table->in_struct) {
		ebs_buffer_printf(out, "give the struct an array, such as `char text[%zu]`",
				  table->longest);
	} else {
		ebs_buffer_printf(out, "use `char %s%s[%zu]`", name, table->is_table ? "[]" : "",
				  table->longest);
	}
}

int ebs_build_check(struct ebs_work *work, struct ebs_error *error)
{
	const struct ebs_compile_output *output = &work->build->output;
	struct ebs_buffer text = { 0 };
	struct ebs_pointer_table table;

	if (!ebs_pointer_table_find(output->object, output->object_size, &table))
		return 0;
	append_line(work, &table, &text);
	ebs_buffer_printf(&text, "error: a %s%s cannot be filled: a program reads 0 ",
			  table.is_table    ? "table of "
			  : table.in_struct ? "struct with a "
					    : "",
			  table.to == EBS_TO_FUNCTION
				  ? (table.is_table ? "functions" : "pointer to a function")
			  : !table.is_table ? "pointer"
			  : table.in_struct ? "structs with pointers"
					    : "pointers");
	if (table.name)
		ebs_buffer_printf(&text, "in \"%s\"; ", table.name);
	else
		ebs_buffer_append_string(&text, "there; ");
	append_advice(&table, &text);
	if (text.failed)
		ebs_error_errno(error, ENOMEM, "can't compile %s", work->source->name);
	else
		ebs_error_set(error, "COMPILE", "%s", text.data);
	ebs_buffer_free(&text);
	return -EINVAL;
}
