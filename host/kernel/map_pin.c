// SPDX-License-Identifier: GPL-2.0-only
// Pins, that outlive the process; and freezing.
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "kernel/map_open.h"
#include "kernel/pin.h"

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

void ebs_map_title(const struct ebs_map *map, char *out, size_t size)
{
	snprintf(out, size, "map \"%s\"", map->name);
}

int ebs_map_pin(struct ebs_map *map, const char *path, struct ebs_error *error)
{
	int result = refuse_halves(map, "pin", error);
	char what[EBS_MAP_TITLE];

	if (result)
		return result;
	if (map->pin_path)
		return ebs_error_explain(error, EEXIST,
					 "map \"%s\" is pinned at \"%s\" already: unpin() it first",
					 map->name, map->pin_path);
	ebs_map_title(map, what, sizeof(what));
	char *kept = strdup(path);
	result = kept ? ebs_pin(map->fd, what, path, error)
		      : ebs_error_errno(error, ENOMEM, "can't pin map \"%s\"", map->name);
	if (result)
		free(kept);
	else
		map->pin_path = kept;
	return result;
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
