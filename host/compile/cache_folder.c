// SPDX-License-Identifier: GPL-2.0-only
// The cache's folder: which it is, whether it can be trusted, what is removed from it.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/trust.h"
#include "compile/cache_private.h"

#define UNFINISHED_SECONDS 3600

// Owned by the caller; NULL when memory is short or the user has no home.
static char *default_path(void)
{
	const char *cache = ebs_environment_get("XDG_CACHE_HOME");
	const char *home = ebs_environment_get("HOME");
	char *path = NULL;
	int size = -1;

	if (geteuid() == 0)
		return strdup("/var/cache/ebscript");
	if (cache && *cache == '/')
		size = asprintf(&path, "%s/ebscript", cache);
	else if (home && *home == '/')
		size = asprintf(&path, "%s/.cache/ebscript", home);
	return size < 0 ? NULL : path;
}

// A slash at the end would make a link be followed.
static void drop_last_slashes(char *path)
{
	for (size_t size = strlen(path); size > 1 && path[size - 1] == '/'; size--)
		path[size - 1] = '\0';
}

// Makes the folder, and those above it that are missing: as the XDG specification wants them for a
// user, and for root, whose /var others need too, as they are everywhere.
static int make_folders(char *path)
{
	mode_t mode = geteuid() == 0 ? 0755 : 0700;

	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		int result = mkdir(path, mode);
		int number = errno;
		*slash = '/';
		if (result && number != EEXIST)
			return -number;
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

static int check_folder(int fd, const char *path, struct ebs_error *error)
{
	struct stat status;

	if (fstat(fd, &status))
		return ebs_error_errno(error, errno, "the folder %s can't be read", path);
	if (status.st_uid != geteuid()) // nor is it another one's who is trusted
		return ebs_error_explain(error, EPERM, "the folder %s belongs to another user (%u)",
					 path, (unsigned)status.st_uid);
	return ebs_trust_path(path, EBS_TRUST_FOUND, error);
}

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

struct ebs_cache *ebs_cache_open(const char *path, struct ebs_error *error)
{
	struct ebs_cache *cache = calloc(1, sizeof(*cache));
	if (!cache) {
		ebs_error_errno(error, ENOMEM, "the cache can't be opened");
		return NULL;
	}
	cache->fd = -1;
	cache->path = path ? strdup(path) : default_path();
	int result = 0;
	if (!cache->path || !*cache->path)
		result = ebs_error_explain(error, ENOENT,
					   "there is no folder for it: HOME isn't set");
	if (!result) {
		drop_last_slashes(cache->path);
		cache->fd = open_folder(cache->path);
		if (cache->fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
			result = make_folders(cache->path);
			if (result)
				ebs_error_errno(error, result, "the folder %s can't be made",
						cache->path);
			else
				cache->fd = open_folder(cache->path);
		}
	}
	if (!result) {
		if (cache->fd < 0 && (errno == ELOOP || errno == ENOTDIR))
			result = ebs_error_explain(error, errno, "%s is a link or no folder",
						   cache->path);
		else if (cache->fd < 0)
			result = ebs_error_errno(error, errno, "the folder %s can't be opened",
						 cache->path);
		else
			result = check_folder(cache->fd, cache->path, error);
	}
	if (result) {
		ebs_cache_close(cache);
		return NULL;
	}
	return cache;
}

void ebs_cache_close(struct ebs_cache *cache)
{
	if (!cache)
		return;
	if (cache->fd >= 0)
		close(cache->fd);
	free(cache->path);
	free(cache);
}

const char *ebs_cache_path(const struct ebs_cache *cache)
{
	return cache->path;
}

struct found {
	char name[EBS_CACHE_NAME];
	uint64_t size;
	struct timespec used;
};

static int older_first(const void *left, const void *right)
{
	const struct timespec *a = &((const struct found *)left)->used;
	const struct timespec *b = &((const struct found *)right)->used;

	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? -1 : 1;
	return a->tv_nsec < b->tv_nsec ? -1 : a->tv_nsec > b->tv_nsec;
}

enum kind {
	FOREIGN,
	ENTRY,
	UNFINISHED,
};

static enum kind kind_of(const char *name)
{
	size_t digits = strspn(name, "0123456789abcdef");

	if (digits == EBS_CACHE_DIGITS && strcmp(name + digits, EBS_CACHE_SUFFIX) == 0)
		return ENTRY;
	if (digits == EBS_CACHE_DIGITS + EBS_CACHE_RANDOM &&
	    strcmp(name + digits, EBS_CACHE_UNFINISHED) == 0)
		return UNFINISHED;
	return FOREIGN;
}

// Collects the entries, and removes unfinished files that nobody writes any more.
static int scan(struct ebs_cache *cache, bool everything, struct found **entries, size_t *count)
{
	int fd = openat(cache->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	if (!folder) {
		int number = errno;
		if (fd >= 0)
			close(fd);
		return -number;
	}
	struct dirent *file;
	size_t capacity = 0;
	int result = 0;
	while (!result && (file = readdir(folder))) {
		enum kind kind = kind_of(file->d_name);
		struct stat status;

		if (kind == FOREIGN ||
		    fstatat(cache->fd, file->d_name, &status, AT_SYMLINK_NOFOLLOW) ||
		    S_ISDIR(status.st_mode))
			continue;
		if (kind == UNFINISHED) {
			if (everything || status.st_mtim.tv_sec + UNFINISHED_SECONDS < time(NULL))
				unlinkat(cache->fd, file->d_name, 0);
			continue;
		}
		if (*count == capacity) {
			capacity = capacity ? capacity * 2 : 64;
			struct found *more = reallocarray(*entries, capacity, sizeof(*more));
			if (!more) {
				result = -ENOMEM;
				continue;
			}
			*entries = more;
		}
		struct found *entry = &(*entries)[(*count)++];
		memcpy(entry->name, file->d_name, strlen(file->d_name) + 1);
		entry->size = status.st_size;
		entry->used = status.st_mtim;
	}
	closedir(folder);
	return result;
}

int ebs_cache_trim(struct ebs_cache *cache, uint64_t limit, struct ebs_error *error)
{
	struct found *entries = NULL;
	size_t count = 0;
	uint64_t total = 0;
	int result = scan(cache, limit == 0, &entries, &count);

	for (size_t i = 0; i < count; i++)
		total += entries[i].size;
	if (!result && total > limit)
		qsort(entries, count, sizeof(*entries), older_first);
	for (size_t i = 0; !result && i < count && (total > limit || limit == 0); i++) {
		if (unlinkat(cache->fd, entries[i].name, 0) && errno != ENOENT)
			result = -errno;
		total -= entries[i].size;
	}
	free(entries);
	return result ? ebs_error_errno(error, result, "the cache in %s can't be cleared",
					cache->path)
		      : 0;
}
