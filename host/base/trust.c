// SPDX-License-Identifier: GPL-2.0-only
// Whether anybody could have put a file there who is not trusted.
#include "base/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"

#define MOST_LINKS 40 // on one way, as in the kernel

static uid_t script_owner = (uid_t)-1; // nobody's
static gid_t script_group = (gid_t)-1;

void ebs_trust_script(const struct stat *script)
{
	script_owner = script->st_uid;
	script_group = script->st_mode & S_IWGRP ? script->st_gid : (gid_t)-1;
}

// A walk from the root folder to a file, one name at a time.
struct walk {
	char where[PATH_MAX]; // what was reached, for messages
	int fd;               // the same, opened as a place only
	struct stat status;   // of it
	uid_t root;           // owner of the root folder: in a user namespace it need not be 0
	char *rest;           // names to go, owned
	int links;            // that were followed
};

static bool is_writable(const struct stat *status)
{
	return (status->st_mode & S_IWOTH) ||
	       ((status->st_mode & S_IWGRP) && status->st_gid != script_group);
}

static int refuse_writable(const struct walk *walk, struct ebs_error *error)
{
	bool folder = S_ISDIR(walk->status.st_mode);

	return ebs_error_explain(error, EPERM, "others may write %s %s (mode %03o)",
				 folder ? "into the folder" : "to the file", walk->where,
				 (unsigned)walk->status.st_mode & 07777);
}

// The owner, and who may write. A file in a folder that is sticky is its owner's alone.
static int check(const struct walk *walk, struct ebs_error *error)
{
	const struct stat *status = &walk->status;
	bool folder = S_ISDIR(status->st_mode);

	if (S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode))
		return 0; // its folder says who has made it
	if (status->st_uid && status->st_uid != geteuid() && status->st_uid != script_owner &&
	    status->st_uid != walk->root)
		return ebs_error_explain(error, EPERM, "the %s %s belongs to another user (%u)",
					 folder ? "folder" : "file", walk->where,
					 (unsigned)status->st_uid);
	if (is_writable(status) && !(folder && status->st_mode & S_ISVTX))
		return refuse_writable(walk, error);
	return 0;
}

// What is at `fd`, which is the walk's own from now on.
static void enter(struct walk *walk, int fd, const struct stat *status)
{
	if (walk->fd >= 0)
		close(walk->fd);
	walk->fd = fd;
	walk->status = *status;
}

// Opens and looks at it; -1 with errno set.
static int look(int folder, const char *name, int flags, struct stat *status)
{
	int fd = openat(folder, name, O_PATH | O_CLOEXEC | flags);

	if (fd < 0 || fstat(fd, status) == 0)
		return fd;
	int number = errno;
	close(fd);
	errno = number;
	return -1;
}

static int enter_root(struct walk *walk)
{
	struct stat status;
	int fd = look(AT_FDCWD, "/", O_DIRECTORY, &status);

	if (fd < 0)
		return -errno;
	enter(walk, fd, &status);
	walk->where[0] = '\0';
	walk->root = status.st_uid;
	return 0;
}

// Puts the target of the link `fd` before the names to go. Returns 0 or -errno.
static int follow(struct walk *walk, int fd)
{
	char target[PATH_MAX];
	char *rest;
	ssize_t size = readlinkat(fd, "", target, sizeof(target) - 1);

	if (size < 0)
		return -errno;
	if (++walk->links > MOST_LINKS)
		return -ELOOP;
	if (asprintf(&rest, "%.*s/%s", (int)size, target, walk->rest) < 0)
		return -ENOMEM;
	free(walk->rest);
	walk->rest = rest;
	return size && target[0] == '/' ? enter_root(walk) : 0;
}

// Cuts the next name off those to go; false when there is none.
static bool next_name(struct walk *walk, char name[NAME_MAX + 1])
{
	char *begin = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(begin, "/");
	int copied = snprintf(name, NAME_MAX + 1, "%.*s", (int)length, begin);

	memmove(walk->rest, begin + length, strlen(begin + length) + 1);
	return copied > 0;
}

static void name_place(struct walk *walk, const char *name)
{
	size_t length = strlen(walk->where);
	char *slash = strrchr(walk->where, '/');

	if (strcmp(name, "..") == 0) {
		if (slash)
			*slash = '\0';
		return;
	}
	snprintf(walk->where + length, sizeof(walk->where) - length, "/%s", name);
}

// One name further. Returns 0, or -errno; with -EPERM `error` is filled.
static int step(struct walk *walk, const char *name, enum ebs_trust how, struct ebs_error *error)
{
	bool open_folder = is_writable(&walk->status);
	struct stat status;
	int fd = look(walk->fd, name, O_NOFOLLOW, &status);

	if (fd < 0)
		return -errno;
	if (S_ISLNK(status.st_mode)) {
		int result = open_folder ? refuse_writable(walk, error) : follow(walk, fd);
		close(fd);
		return result;
	}
	if (!S_ISDIR(status.st_mode) && how == EBS_TRUST_FOUND && open_folder) {
		close(fd);
		return refuse_writable(walk, error);
	}
	name_place(walk, name);
	enter(walk, fd, &status);
	return check(walk, error);
}

static int walk_to_end(struct walk *walk, enum ebs_trust how, struct ebs_error *error)
{
	char name[NAME_MAX + 1];
	int result = enter_root(walk);

	if (!result)
		result = check(walk, error);
	while (!result && next_name(walk, name))
		if (strcmp(name, "."))
			result = step(walk, name, how, error);
	if (!result && how == EBS_TRUST_FOUND && S_ISDIR(walk->status.st_mode) &&
	    is_writable(&walk->status))
		result = refuse_writable(walk, error);
	return result;
}

int ebs_trust_path(const char *path, enum ebs_trust how, struct ebs_error *error)
{
	struct walk walk = { .fd = -1 };
	char *here = *path == '/' ? strdup("") : getcwd(NULL, 0);
	int result = 0;

	if (*path == '/' && ebs_path_is_shipped(path)) {
		free(here);
		return 0;
	}
	if (!here || asprintf(&walk.rest, "%s/%s", here, path) < 0) {
		walk.rest = NULL;
		result = -errno;
	}
	if (!result)
		result = walk_to_end(&walk, how, error);
	if (result && result != -ENOENT && result != -ENOTDIR)
		ebs_error_errno(error, result, "can't look at \"%s\"", path); // unless it is set
	if (walk.fd >= 0)
		close(walk.fd);
	free(walk.rest);
	free(here);
	return result;
}
