// SPDX-License-Identifier: GPL-2.0-only
// The files that processes have mapped, which the paths may no longer lead to.
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "binary/file_private.h"

// One line of /proc/PID/maps. https://docs.kernel.org/filesystems/proc.html
struct mapping {
	uint64_t start, end;
	uint64_t inode;
	char *path; // without " (deleted)"
	bool deleted;
};

static bool parse_mapping(char *line, struct mapping *mapping)
{
	static const char mark[] = " (deleted)";
	int path = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %" SCNu64 " %n", &mapping->start,
		   &mapping->end, &mapping->inode, &path) < 3 ||
	    !path || !mapping->inode || line[path] != '/')
		return false;
	mapping->path = line + path;
	size_t length = strcspn(mapping->path, "\n");
	mapping->deleted = length > strlen(mark) &&
			   strncmp(mapping->path + length - strlen(mark), mark, strlen(mark)) == 0;
	mapping->path[length - (mapping->deleted ? strlen(mark) : 0)] = '\0';
	return true;
}

static FILE *open_maps(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	return fopen(path, "re");
}

// Whether somebody who writes `wanted` without a folder means the file: "libc.so.6", "c", "bash".
static bool is_called(const char *path, const char *wanted)
{
	const char *file = strrchr(path, '/') + 1;
	size_t length = strlen(wanted);

	if (strchr(wanted, '/'))
		return false;
	return strcmp(file, wanted) == 0 ||
	       (strncmp(file, "lib", 3) == 0 && strncmp(file + 3, wanted, length) == 0 &&
		strncmp(file + 3 + length, ".so", 3) == 0);
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat one, other;

	return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

// A path that opens the mapped file: by the mapping itself, which takes CAP_SYS_ADMIN or
// CAP_CHECKPOINT_RESTORE; else by its name in the process's own tree.
static char *path_of(pid_t pid, const struct mapping *mapping)
{
	char *path = NULL;
	struct stat status;

	if (asprintf(&path, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid, mapping->start,
		     mapping->end) < 0)
		return NULL;
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	if (mapping->deleted || asprintf(&path, "/proc/%d/root%s", (int)pid, mapping->path) < 0)
		return NULL;
	if (stat(path, &status) == 0 && status.st_ino == mapping->inode)
		return path;
	free(path);
	return NULL;
}

char *ebs_mapped_file(pid_t pid, const char *wanted, const char *own, char **name)
{
	FILE *maps = open_maps(pid);
	char *real = own ? realpath(own, NULL) : NULL;
	char *line = NULL, *found = NULL, *last = NULL;
	size_t size = 0;
	struct mapping mapping;
	bool by_path = false;

	while (maps && !by_path && getline(&line, &size, maps) > 0) {
		if (!parse_mapping(line, &mapping) || (last && strcmp(last, mapping.path) == 0))
			continue; // a file is mapped in several parts
		free(last);
		last = strdup(mapping.path);
		by_path = strcmp(mapping.path, wanted) == 0 ||
			  (real && strcmp(mapping.path, real) == 0);
		if (!by_path && (found || !is_called(mapping.path, wanted)))
			continue;
		free(found);
		free(*name);
		found = path_of(pid, &mapping);
		*name = NULL;
		if (found &&
		    asprintf(name, "%s%s", mapping.path, mapping.deleted ? " (deleted)" : "") < 0)
			*name = NULL;
	}
	if (maps)
		fclose(maps);
	if (!found && !own && *wanted == '/' &&
	    asprintf(&found, "/proc/%d/root%s", (int)pid, wanted) >= 0) {
		if (access(found, R_OK)) {
			free(found);
			found = NULL;
		} else {
			*name = strdup(found);
		}
	}
	if (found && own && is_same_file(found, own)) { // its own name is the better one
		free(found);
		found = NULL;
	}
	free(last);
	free(line);
	free(real);
	return found;
}

static bool maps_old_file(pid_t pid, const char *path)
{
	FILE *maps = open_maps(pid);
	struct mapping mapping;
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (maps && !found && getline(&line, &size, maps) > 0)
		found = parse_mapping(line, &mapping) && mapping.deleted &&
			strcmp(mapping.path, path) == 0;
	if (maps)
		fclose(maps);
	free(line);
	return found;
}

// In CLOCK_REALTIME seconds; 0: not known.
static double started_at(pid_t pid)
{
	char path[64], text[1024];
	unsigned long long ticks = 0;
	struct timespec boot, real;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	size_t size = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	if (file)
		fclose(file);
	text[size] = '\0';
	const char *rest = strrchr(text, ')'); // a name may have any character
	if (!rest || sscanf(rest + 1,
			    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			    "%*d %*d %llu",
			    &ticks) != 1)
		return 0;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &real);
	return (double)(real.tv_sec - boot.tv_sec) + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

unsigned ebs_binary_old_users(const struct ebs_binary *binary, struct ebs_buffer *pids)
{
	struct stat status;
	struct timespec boot;
	unsigned count = 0;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	// A file that has its name since before the machine started has replaced nothing.
	if (fstat(binary->fd, &status) || time(NULL) - boot.tv_sec > status.st_ctim.tv_sec)
		return 0;
	char *real = realpath(binary->name, NULL);
	DIR *processes = real ? opendir("/proc") : NULL;
	const struct dirent *entry;

	while (processes && (entry = readdir(processes))) {
		int pid = atoi(entry->d_name);

		if (pid <= 0 || started_at(pid) > (double)status.st_ctim.tv_sec + 1 ||
		    !maps_old_file(pid, real))
			continue;
		ebs_buffer_printf(pids, "%s%d", count ? ", " : "", pid);
		count++;
	}
	if (processes)
		closedir(processes);
	free(real);
	return count;
}
