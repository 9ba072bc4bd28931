// SPDX-License-Identifier: GPL-2.0-only
// C as clang's preprocessor leaves it, taken apart by where it comes from.
#include "types/preprocessed.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "types/tokens.h"

enum { OWN, SYSTEM, HELPERS, PARTS };

static bool ends_with(const char *text, const char *end, const char *what)
{
	size_t length = strlen(what);

	return (size_t)(end - text) >= length && memcmp(end - length, what, length) == 0;
}

// A line marker, `# LINE "FILE" FLAGS`. Flag 1: the file begins; 3: it is a system header.
struct marker {
	const char *file; // `length` bytes
	size_t length;
	bool begins;
	int part;
};

static bool read_marker(const char *line, const char *end, struct marker *marker)
{
	if (end - line < 3 || line[0] != '#' || line[1] != ' ' || !isdigit((unsigned char)line[2]))
		return false;
	const char *open = memchr(line, '"', end - line);
	const char *close = memrchr(line, '"', end - line);
	if (!open || close == open)
		return false;
	bool is_system = memchr(close, '3', end - close);
	*marker = (struct marker){ open + 1, close - open - 1, memchr(close, '1', end - close),
				   is_system ? SYSTEM : OWN };
	if (ends_with(open + 1, close, "/" EBS_HELPERS_HEADER))
		marker->part = HELPERS;
	return true;
}

// The name by which the header is found again, behind the longest folder that it is in.
static void note_include(const struct ebs_c_source *source, const struct marker *marker,
			 struct ebs_buffer *includes)
{
	size_t longest = 0;

	for (const char *const *folder = source->system_dirs; folder && *folder; folder++) {
		size_t length = strlen(*folder);

		if (length > longest && length < marker->length && marker->file[length] == '/' &&
		    memcmp(marker->file, *folder, length) == 0)
			longest = length;
	}
	if (longest)
		ebs_buffer_printf(includes, "#include <%.*s>\n",
				  (int)(marker->length - longest - 1), marker->file + longest + 1);
}

int ebs_preprocessed_split(struct ebs_c_files *files, const struct ebs_c_source *source,
			   size_t *helpers, struct ebs_buffer *includes)
{
	struct ebs_buffer parts[PARTS] = { 0 };
	const char *text = source->text;
	const char *end = text + source->size;
	int part = OWN, result = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', end - text);
		const char *next = newline ? newline + 1 : end;
		struct marker marker;

		if (read_marker(text, next, &marker)) {
			if (marker.begins && marker.part == SYSTEM && part == OWN)
				note_include(source, &marker, includes);
			part = marker.part;
		} else {
			ebs_buffer_append(&parts[part], text, next - text);
		}
		text = next;
	}
	for (int i = 0; i < PARTS; i++) {
		if (!result && parts[i].failed)
			result = -ENOMEM;
		if (!result)
			result = ebs_c_files_add_text(files, parts[i].data ? parts[i].data : "",
						      parts[i].size, NULL);
		if (!result)
			files->list[files->count - 1].is_system = i == SYSTEM;
		if (!result && i == HELPERS)
			*helpers = files->count - 1;
		ebs_buffer_free(&parts[i]);
	}
	return result;
}
