// SPDX-License-Identifier: GPL-2.0-only
// What the kernel's modules bring in types, beside vmlinux.
#include "types/modules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int is_module(const struct dirent *entry)
{
	return is_shown(entry) && strcmp(entry->d_name, "vmlinux");
}

static void free_entries(struct dirent **entries, int count)
{
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
}

int ebs_modules_list(const char *folder, struct ebs_buffer *out)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_shown, alphasort);
	int result = count < 0 ? -errno : 0;

	ebs_buffer_append_string(out, "modules");
	for (int i = 0; i < count; i++)
		ebs_buffer_printf(out, " %s", entries[i]->d_name);
	free_entries(entries, count);
	return result;
}

// BTF keeps names as strings between NULs, and no other bytes of it look like one of some length.
static bool holds_name(const struct ebs_buffer *btf, const char *name)
{
	size_t length = strlen(name);
	const char *end = btf->data + btf->size;
	const char *here = btf->data;

	while (length && here && (here = memmem(here, end - here, name, length))) {
		const char *behind = here + length;

		if (here > btf->data && !here[-1] && behind < end &&
		    (!*behind || (end - behind > 3 && memcmp(behind, "___", 3) == 0)))
			return true;
		here = behind;
	}
	return false;
}

static bool module_has(int folder, const char *module, const struct ebs_buffer *names)
{
	struct ebs_buffer btf = { 0 };
	int fd = openat(folder, module, O_RDONLY | O_CLOEXEC);
	bool has = fd < 0 || ebs_buffer_read_fd(&btf, fd) || btf.failed;

	for (size_t i = 0; !has && i < names->size; i += strlen(names->data + i) + 1)
		has = holds_name(&btf, names->data + i);
	ebs_buffer_free(&btf);
	if (fd >= 0)
		close(fd);
	return has;
}

bool ebs_modules_have(const char *folder, const struct ebs_buffer *names)
{
	struct dirent **entries = NULL;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int count = fd < 0 ? -1 : scandir(folder, &entries, is_module, NULL);
	bool has = count < 0;

	for (int i = 0; i < count && !has; i++)
		has = module_has(fd, entries[i]->d_name, names);
	if (fd >= 0)
		close(fd);
	free_entries(entries, count);
	return has;
}
