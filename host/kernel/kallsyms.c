// SPDX-License-Identifier: GPL-2.0-only
// The kernel's functions by /proc/kallsyms, which everybody may read (without addresses).
#include "kernel/kallsyms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"

// A line is "ffffffff81000000 T name", of a module's function "... t name\t[module]".
static const char *function_name(char *line)
{
	char *type = strchr(line, ' ');

	if (!type || !type[1] || !strchr("tTwW", type[1]) || type[2] != ' ')
		return NULL;
	type[3 + strcspn(type + 3, "\t\n")] = '\0';
	return type + 3;
}

int ebs_kallsyms_visit(int (*visit)(void *context, const char *name), void *context)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char *line = NULL;
	size_t size = 0;
	int result = 0;

	if (!file)
		return -errno;
	while (!result && getline(&line, &size, file) > 0) {
		const char *name = function_name(line);

		if (name)
			result = visit(context, name);
	}
	free(line);
	fclose(file);
	return result;
}

static int offer(void *context, const char *name)
{
	ebs_near_offer(context, name);
	return 0;
}

int ebs_kallsyms_refuse(const char *name, struct ebs_error *error)
{
	struct ebs_near near;

	ebs_near_begin(&near, name, strlen(name));
	ebs_kallsyms_visit(offer, &near);
	if (*near.best && !near.apart)
		return ebs_error_explain(error, ENOENT,
					 "the kernel's function \"%s\" can't be probed: it is "
					 "marked as such, or has several copies",
					 name);
	return ebs_error_explain(error, ENOENT, "this kernel has no function \"%s\"%s", name,
				 ebs_near_text(&near));
}
