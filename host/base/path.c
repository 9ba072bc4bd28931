// SPDX-License-Identifier: GPL-2.0-only
// Where the files are that ship with the program.
#include "base/path.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The folder of the running program, without a '/' at its end; "" for the root. Read once.
static const char *program_folder(void)
{
	static char folder[PATH_MAX];
	static bool known;

	if (!known) {
		ssize_t size = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
		if (size < 0)
			return NULL;
		folder[size] = '\0';
		*strrchr(folder, '/') = '\0';
		known = true;
	}
	return folder;
}

// Where `relative` stands below `folder` of the build tree or of the prefix.
static char *find(const char *folder, const char *relative)
{
	const char *beside = program_folder();
	if (!beside)
		return NULL;
	const char *slash = strrchr(beside, '/');
	int lengths[] = { (int)strlen(beside),
			  slash ? (int)(slash - beside) : 0 }; // of beside, and of what it is in

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char *path = NULL;
		if (asprintf(&path, "%.*s/%s/%s", lengths[i], beside, folder, relative) < 0) {
			errno = ENOMEM;
			return NULL;
		}
		if (access(path, F_OK) == 0)
			return path;
		free(path);
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

bool ebs_path_is_shipped(const char *path)
{
	const char *beside = program_folder();
	if (!beside || strstr(path, "/../"))
		return false;
	const char *slash = strrchr(beside, '/');
	size_t lengths[] = { strlen(beside), slash ? (size_t)(slash - beside) : 0 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		if (strncmp(path, beside, lengths[i]) == 0 &&
		    strncmp(path + lengths[i], "/" EBS_SHARE "/", sizeof("/" EBS_SHARE "/") - 1) ==
			    0)
			return true;
	}
	return false;
}

char *ebs_path_directory(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, slash - path);
}
