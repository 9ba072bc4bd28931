// SPDX-License-Identifier: GPL-2.0-only
// The files that C text includes.
#include "types/c_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/path.h"
#include "base/trust.h"
#include "types/c_scanner.h"

// Appends a file that owns `text`, which is freed when that fails.
static int append(struct ebs_c_files *files, char *text, size_t size, char *directory)
{
	struct ebs_c_file *list = reallocarray(files->list, files->count + 1, sizeof(*files->list));

	if (!list || !text) {
		files->list = list ? list : files->list;
		free(text);
		free(directory);
		return -ENOMEM;
	}
	files->list = list;
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) // a byte order mark
		memset(text, ' ', 3);
	list[files->count++] = (struct ebs_c_file){
		.text = text,
		.size = ebs_c_join_lines(text, size),
		.directory = directory,
	};
	return 0;
}

int ebs_c_files_add_text(struct ebs_c_files *files, const char *text, size_t size,
			 const char *directory)
{
	char *copy = malloc(size + 1);
	char *own_directory = directory ? strdup(directory) : NULL;

	if (copy && size)
		memcpy(copy, text, size);
	if (directory && !own_directory) {
		free(copy);
		return -ENOMEM;
	}
	return append(files, copy, size, own_directory);
}

static bool is_known(const struct ebs_c_files *files, const struct stat *status)
{
	for (size_t i = 0; i < files->count; i++)
		if (files->list[i].inode == status->st_ino &&
		    files->list[i].device == status->st_dev)
			return true;
	return false;
}

// Returns 1 when there is such a file, 0 when there is none, or -ENOMEM.
static int take(struct ebs_c_files *files, const char *path)
{
	for (size_t i = 0; i < files->count; i++)
		if (files->list[i].path && strcmp(files->list[i].path, path) == 0)
			return 1;
	// O_NONBLOCK: a named pipe must not keep us waiting for a writer.
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return 0;
	if (ebs_trust_path(path, EBS_TRUST_FOUND, NULL)) { // the compiler doesn't see it
		close(fd);
		return 0;
	}

	struct stat status;
	struct ebs_buffer content = { 0 };
	int result = 0;
	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		goto close_fd;
	result = 1;
	if (is_known(files, &status))
		goto free_content;
	if (files->dates_only)
		ebs_buffer_printf(&content, "%lld %lld.%09ld", (long long)status.st_size,
				  (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
	else if (ebs_buffer_read_fd(&content, fd))
		goto free_content;

	size_t size = content.size;
	char *directory = ebs_path_directory(path);
	result = append(files, ebs_buffer_take(&content), size, directory);
	if (!result) {
		files->list[files->count - 1].path = strdup(path);
		files->list[files->count - 1].device = status.st_dev;
		files->list[files->count - 1].inode = status.st_ino;
		result = 1;
	}

free_content:
	ebs_buffer_free(&content);
close_fd:
	close(fd);
	return result;
}

static int take_from(struct ebs_c_files *files, const char *folder, const char *name, size_t length)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%.*s", folder, (int)length, name) < 0)
		return -ENOMEM;
	int result = take(files, path);
	free(path);
	return result;
}

int ebs_c_files_include(struct ebs_c_files *files, size_t from, const char *name, size_t length,
			bool quoted)
{
	int result = 0;

	if (!length || length > 4096)
		return 0;
	if (name[0] == '/')
		return take_from(files, "", name, length);
	if (quoted && files->list[from].directory)
		result = take_from(files, files->list[from].directory, name, length);
	if (!result && quoted && files->directory)
		result = take_from(files, files->directory, name, length);
	for (size_t i = 0; !result && files->include_dirs && files->include_dirs[i]; i++)
		result = take_from(files, files->include_dirs[i], name, length);
	return result;
}

void ebs_c_files_free(struct ebs_c_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->list[i].text);
		free(files->list[i].directory);
		free(files->list[i].path);
	}
	free(files->list);
	*files = (struct ebs_c_files){ 0 };
}
