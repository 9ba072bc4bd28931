// SPDX-License-Identifier: GPL-2.0-only
// `ebscript -l`: what there is to attach to.
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "kernel/log.h"
#include "kernel/probe_list.h"
#include "script/script.h"

// Notices go to standard error, behind the names.
static void tell_lines(const struct ebs_buffer *lines)
{
	const char *line = lines->data;

	fflush(stdout);
	for (size_t length; line && *line; line += length + 1) {
		length = strcspn(line, "\n");
		fprintf(stderr, "ebscript: %.*s\n", (int)length, line);
	}
}

int ebs_script_list_probes(const char *pattern, bool details)
{
	struct ebs_buffer out = { 0 };
	struct ebs_buffer refused = { 0 };
	struct ebs_error error = { 0 };

	ebs_log_init(false);
	int count = ebs_probes_list(pattern, details, &out, &refused, &error);
	if (count < 0)
		fprintf(stderr, "ebscript: %s\n", ebs_error_text(&error));
	else if (count == 0)
		fprintf(stderr, "ebscript: nothing matches \"%s\"\n", pattern ? pattern : "*");
	else
		fwrite(out.data, 1, out.size, stdout);
	tell_lines(&refused);
	ebs_buffer_free(&out);
	ebs_buffer_free(&refused);
	ebs_error_clear(&error);
	return count > 0 ? 0 : 1;
}
