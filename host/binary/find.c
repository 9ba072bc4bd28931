// SPDX-License-Identifier: GPL-2.0-only
// Executables and libraries by the names that people give them.
#include "binary/find.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/environment.h"

#define LIBRARIES                                                                   \
	"/lib/" EBS_MULTIARCH ":/usr/lib/" EBS_MULTIARCH ":/lib64:/usr/lib64:/lib:" \
	"/usr/lib:/usr/local/lib"

// Calls `look` with each folder of a list with colons between, until it gives a path.
static char *search(const char *folders, const char *name,
		    char *(*look)(const char *folder, const char *name))
{
	char *copy = strdup(folders ? folders : "");
	char *rest = copy;
	char *found = NULL;
	char *folder;

	while (!found && (folder = strsep(&rest, ":")))
		if (*folder == '/')
			found = look(folder, name);
	free(copy);
	return found;
}

static char *look_for_file(const char *folder, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return NULL;
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static char *look_for_executable(const char *folder, const char *name)
{
	char *path = look_for_file(folder, name);

	if (path && access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

// "libNAME.so" or "libNAME.so.VERSION".
static bool is_library(const char *file, const char *name)
{
	size_t length = strlen(name);

	return strncmp(file, "lib", 3) == 0 && strncmp(file + 3, name, length) == 0 &&
	       strncmp(file + 3 + length, ".so", 3) == 0 &&
	       (file[length + 6] == '\0' || file[length + 6] == '.');
}

static char *look_for_library(const char *folder, const char *name)
{
	DIR *entries = opendir(folder);
	char *newest = NULL;
	char *path = NULL;
	const struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		if (!is_library(entry->d_name, name) ||
		    (newest && strverscmp(entry->d_name, newest) <= 0))
			continue;
		free(newest);
		newest = strdup(entry->d_name);
	}
	if (entries)
		closedir(entries);
	if (newest)
		path = look_for_file(folder, newest);
	free(newest);
	return path;
}

static char *search_libraries(const char *name, char *(*look)(const char *folder, const char *name))
{
	char *path = search(ebs_environment_get("LD_LIBRARY_PATH"), name, look);

	return path ? path : search(LIBRARIES, name, look);
}

char *ebs_binary_find(const char *name, struct ebs_error *error)
{
	char *path;

	if (strchr(name, '/'))
		path = access(name, R_OK) ? NULL : strdup(name);
	else if (strstr(name, ".so"))
		path = search_libraries(name, look_for_file);
	else {
		const char *folders = ebs_environment_get("PATH");

		path = search(folders ? folders : EBS_STANDARD_PATH, name, look_for_executable);
		if (!path)
			path = search_libraries(name, look_for_library);
	}
	if (!path)
		ebs_error_explain(error, ENOENT, "there is no executable or library \"%s\"", name);
	return path;
}
