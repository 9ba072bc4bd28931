// SPDX-License-Identifier: GPL-2.0-only
// Pins, that outlive the process; and freezing.
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/path.h"
#include "base/trust.h"
#include "kernel/map_open.h"

// Mostly the folder is wrong.
int ebs_map_explain_pin(const struct ebs_map *map, const char *path, int number,
			struct ebs_error *error)
{
	char *folder = ebs_path_directory(path);
	struct statfs status;
	int result;

	if (number == EEXIST)
		result = ebs_error_explain(error, number,
					   "can't pin map \"%s\": \"%s\" exists already", map->name,
					   path);
	else if (folder && statfs(folder, &status))
		result = ebs_error_errno(error, errno, "can't pin map \"%s\" in folder \"%s\"",
					 map->name, folder);
	else if (folder && status.f_type != BPF_FS_MAGIC)
		result = ebs_error_explain(
			error, number,
			"can't pin map \"%s\": folder \"%s\" is on no BPF file system; mount one: "
			"mount -t bpf bpf /sys/fs/bpf",
			map->name, folder);
	else if (number == EPERM && strchr(path + strlen(folder ? folder : ""), '.'))
		result = ebs_error_explain(
			error, number,
			"can't pin map \"%s\" at \"%s\": the kernel takes no names with a dot",
			map->name, path);
	else
		result = ebs_error_errno(error, number, "can't pin map \"%s\" at \"%s\"", map->name,
					 path);
	free(folder);
	return result;
}

// A drain changes which map it is that programs use.
static int refuse_halves(const struct ebs_map *map, const char *what, struct ebs_error *error)
{
	if (!map->halves)
		return 0;
	return ebs_error_explain(
		error, EINVAL,
		"can't %s map \"%s\": EBS_DRAINED makes two maps of it, which take "
		"turns",
		what, map->name);
}

// Where others may put things into the folder, the pin would be theirs to replace.
static int check_folder(const struct ebs_map *map, const char *path, struct ebs_error *error)
{
	char *folder = ebs_path_directory(path);
	struct ebs_error distrust = { 0 };
	int result = 0;

	if (folder && ebs_trust_path(folder, EBS_TRUST_NAMED, &distrust) == -EPERM)
		result = ebs_error_explain(error, EPERM, "can't pin map \"%s\" at \"%s\": %s",
					   map->name, path, ebs_error_text(&distrust));
	ebs_error_clear(&distrust);
	free(folder);
	return result;
}

int ebs_map_pin(struct ebs_map *map, const char *path, struct ebs_error *error)
{
	int result = refuse_halves(map, "pin", error);
	char *kept;

	if (result)
		return result;
	if (map->pin_path)
		return ebs_error_explain(error, EEXIST,
					 "map \"%s\" is pinned at \"%s\" already: unpin() it first",
					 map->name, map->pin_path);
	result = check_folder(map, path, error);
	if (result)
		return result;
	kept = strdup(path);
	if (!kept)
		return ebs_error_errno(error, ENOMEM, "can't pin map \"%s\"", map->name);
	if (bpf_obj_pin(map->fd, path)) {
		int number = errno;

		free(kept);
		return ebs_map_explain_pin(map, path, number, error);
	}
	map->pin_path = kept;
	return 0;
}

int ebs_map_unpin(struct ebs_map *map, struct ebs_error *error)
{
	if (!map->pin_path)
		return ebs_error_explain(error, ENOENT, "map \"%s\" is not pinned", map->name);
	if (unlink(map->pin_path) && errno != ENOENT)
		return ebs_error_errno(error, errno, "can't unpin map \"%s\" from \"%s\"",
				       map->name, map->pin_path);
	free(map->pin_path);
	map->pin_path = NULL;
	return 0;
}

int ebs_map_freeze(const struct ebs_map *map, struct ebs_error *error)
{
	int result = refuse_halves(map, "freeze", error);

	if (result || !bpf_map_freeze(map->fd))
		return result;
	if (errno == EBUSY)
		return ebs_error_explain(
			error, errno,
			"can't freeze map \"%s\": it is frozen already, or is just "
			"being changed",
			map->name);
	return ebs_map_explain(map, errno, "freeze", 0, error);
}

static void compare(struct ebs_buffer *out, const char *what, uint64_t pinned, uint64_t wanted)
{
	if (pinned != wanted)
		ebs_buffer_printf(out, "%s%s is %llu, not %llu", out->size ? ", " : "", what,
				  (unsigned long long)pinned, (unsigned long long)wanted);
}

void ebs_map_compare(const struct ebs_map *map, const struct ebs_map *given, uint32_t ignored_flags,
		     struct ebs_buffer *out)
{
	if (given->type != map->type)
		ebs_buffer_printf(out, "it is of kind %s, not %s", ebs_map_type_name(given),
				  ebs_map_type_name(map));
	compare(out, "key_size", given->key_size, map->key_size);
	compare(out, "value_size", given->value_size, map->value_size);
	compare(out, "map_flags", given->flags & ~ignored_flags, map->flags & ~ignored_flags);
	compare(out, "map_extra", given->extra, map->extra);
}

void ebs_map_differences(const struct ebs_map *map, const char *path, struct ebs_buffer *out)
{
	struct ebs_map *pinned = ebs_map_open_pinned(path, NULL);

	if (!pinned)
		return;
	ebs_map_compare(map, pinned, 0, out);
	compare(out, "max_entries", pinned->max_entries, map->max_entries);
	ebs_map_free(pinned);
}
