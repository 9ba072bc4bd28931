// SPDX-License-Identifier: GPL-2.0-only
// Where the files are that ship with the program.
#include "base/path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Where `relative` stands below `folder` of the build tree or of the prefix.
static char *find(const char *folder, const char *relative)
{
	char program[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (size < 0)
		return NULL;
	program[size] = '\0';
	*strrchr(program, '/') = '\0';

	static const char *const roots[] = { ".", ".." };
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		char *path = NULL;
		if (asprintf(&path, "%s/%s/%s/%s", program, roots[i], folder, relative) < 0) {
			errno = ENOMEM;
			return NULL;
		}
		char *absolute = realpath(path, NULL);
		free(path);
		if (absolute)
			return absolute;
	}
	return NULL;
}

char *ebs_path_share(const char *relative)
{
	return find(EBS_SHARE, relative);
}

char *ebs_path_lib(const char *relative)
{
	return find(EBS_LIB, relative);
}

char *ebs_path_directory(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, slash - path);
}
