// SPDX-License-Identifier: GPL-2.0-only
// A file that appears whole: written beside its place, where only its owner reads it, then renamed.
#include "base/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/trust.h"

static bool is_same(const struct stat *status, int fd)
{
	struct stat other;

	return !fstat(fd, &other) && other.st_dev == status->st_dev &&
	       other.st_ino == status->st_ino;
}

// A name that is not there yet may be made where its folder is trusted.
static int check(const char *path, const char *folder, bool exists, struct ebs_error *error)
{
	int result = ebs_trust_path(path, EBS_TRUST_NAMED, error);

	return result == -ENOENT && !exists ? ebs_trust_path(folder, EBS_TRUST_NAMED, error)
					    : result;
}

// Writes straight to what is there. O_NOFOLLOW: `path` has no link at its end any more.
static int open_in_place(struct ebs_output_file *file, const char *path, int flags)
{
	file->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | flags);
	return file->fd < 0 ? -errno : 0;
}

static int open_unfinished(struct ebs_output_file *file, const char *folder, const char *name)
{
	char *path = NULL;
	int result = 0;

	file->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (file->folder < 0)
		return -errno;
	file->name = strdup(name);
	if (!file->name || asprintf(&path, "%s/.%.200s.XXXXXX", folder, name) < 0)
		return -ENOMEM;
	file->fd = mkostemp(path, O_CLOEXEC); // mode 0600
	if (file->fd < 0)
		result = -errno;
	else
		file->unfinished = strdup(strrchr(path, '/') + 1);
	if (file->fd >= 0 && !file->unfinished) {
		unlink(path);
		result = -ENOMEM;
	}
	free(path);
	return result;
}

static void release(struct ebs_output_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->folder >= 0)
		close(file->folder);
	free(file->unfinished);
	free(file->name);
	*file = (struct ebs_output_file){ .fd = -1, .folder = -1 };
}

static int open_checked(struct ebs_output_file *file, const char *path, const char *folder,
			const struct stat *there)
{
	const char *slash = strrchr(path, '/');

	if (there && !S_ISREG(there->st_mode))
		return open_in_place(file, path, 0);
	int result = open_unfinished(file, folder, slash ? slash + 1 : path);

	if (there && (result == -EACCES || result == -EROFS)) { // this one file may be written
		release(file);
		result = open_in_place(file, path, O_TRUNC | O_NOFOLLOW);
	}
	return result;
}

int ebs_output_file_open(struct ebs_output_file *file, const char *path, struct ebs_error *error)
{
	struct stat there;
	bool exists = !stat(path, &there);
	char *real = exists ? realpath(path, NULL) : NULL;
	char *folder = ebs_path_directory(real ? real : path);
	int result = folder ? 0 : -ENOMEM;
	struct ebs_error trap = { 0 };

	*file = (struct ebs_output_file){ .fd = -1, .folder = -1 };
	for (int fd = STDOUT_FILENO; exists && fd <= STDERR_FILENO && file->fd < 0; fd++)
		if (is_same(&there, fd))
			file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (!result && file->fd < 0) {
		result = check(path, folder, exists, &trap);
		if (!result)
			result = open_checked(file, real ? real : path, folder,
					      exists ? &there : NULL);
	}
	free(real);
	free(folder);
	if (result)
		release(file);
	if (result == -EPERM && ebs_error_is_set(&trap))
		ebs_error_explain(error, result, "can't write to %s: %s", path,
				  ebs_error_text(&trap));
	else if (result)
		ebs_error_errno(error, result, "can't write to %s", path);
	ebs_error_clear(&trap);
	return result;
}

// What the process would have given a new file, or what the one in its place has.
static mode_t final_mode(const struct ebs_output_file *file)
{
	struct stat there;
	mode_t mask;

	if (!fstatat(file->folder, file->name, &there, AT_SYMLINK_NOFOLLOW) &&
	    S_ISREG(there.st_mode))
		return there.st_mode & 0777;
	mask = umask(077);
	umask(mask);
	return 0666 & ~mask;
}

int ebs_output_file_finish(struct ebs_output_file *file)
{
	int result = 0;

	if (file->name && (fchmod(file->fd, final_mode(file)) ||
			   renameat(file->folder, file->unfinished, file->folder, file->name)))
		result = -errno;
	if (result)
		unlinkat(file->folder, file->unfinished, 0);
	release(file);
	return result;
}

void ebs_output_file_discard(struct ebs_output_file *file)
{
	if (file->name)
		unlinkat(file->folder, file->unfinished, 0);
	release(file);
}
