// SPDX-License-Identifier: GPL-2.0-only
// Maps of an object that come from elsewhere: pinned by name, or given by the script.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/trust.h"
#include "kernel/log.h"
#include "kernel/map_halves.h"
#include "kernel/map_open.h"
#include "kernel/object_private.h"
#include "kernel/pin.h"

static int refuse_name(const struct ebs_object *object, const char *name, struct ebs_error *error)
{
	struct ebs_buffer names = { 0 };

	for (size_t i = 0; i < object->map_count; i++)
		ebs_buffer_printf(&names, "%s%s", i ? ", " : "", object->maps[i].name);
	int result = ebs_error_set(error, "EINVAL",
				   "maps: there is no map \"%s\": maps of this C are: %s", name,
				   names.size ? names.data : "none");
	ebs_buffer_free(&names);
	return result;
}

int ebs_object_use_map(struct ebs_object *object, const char *name, const struct ebs_map *given,
		       struct ebs_error *error)
{
	struct ebs_map *map = ebs_object_map(object, name);
	struct ebs_buffer differences = { 0 };
	int result = 0;

	if (!map)
		return refuse_name(object, name, error);
	if (given->halves || ebs_halves_find(object, name, 0))
		return ebs_error_explain(error, EINVAL,
					 "maps: map \"%s\" can't be given: EBS_DRAINED makes two "
					 "maps of it, which take turns",
					 name);
	// The host makes arrays mappable by itself.
	ebs_map_compare(map, given, BPF_F_MMAPABLE, &differences);
	if (differences.size)
		result = ebs_error_set(error, "EINVAL",
				       "maps: the map \"%s\" that is given for \"%s\" is not like "
				       "it: %s",
				       given->name, name, differences.data);
	ebs_buffer_free(&differences);
	if (result)
		return result;
	map->given = true;
	result = bpf_map__reuse_fd(bpf_object__find_map_by_name(object->handle, name), given->fd);
	return result ? ebs_error_errno(error, result, "maps: can't use map \"%s\" as \"%s\"",
					given->name, name)
		      : 0;
}

int ebs_object_set_pin_root_path(struct ebs_object *object, const char *folder,
				 struct ebs_error *error)
{
	struct bpf_map *map;
	int result = 0;

	bpf_object__for_each_map (map, object->handle) {
		char *path = NULL;
		if (!bpf_map__pin_path(map) || result)
			continue;
		if (asprintf(&path, "%s/%s", folder, bpf_map__name(map)) < 0)
			return ebs_error_errno(error, ENOMEM, "can't pin maps in \"%s\"", folder);
		result = bpf_map__set_pin_path(map, path);
		free(path);
	}
	return result ? ebs_error_errno(error, result, "can't pin maps in \"%s\"", folder) : 0;
}

int ebs_object_check_pins(struct ebs_object *object, struct ebs_error *error)
{
	struct bpf_map *map;
	int result = 0;

	bpf_object__for_each_map (map, object->handle) {
		const char *path = bpf_map__pin_path(map);
		struct ebs_error distrust = { 0 };

		if (!result && path && ebs_trust_path(path, EBS_TRUST_NAMED, &distrust) == -EPERM)
			result = ebs_error_explain(
				error, EPERM, "map \"%s\" is not shared by the pin at \"%s\": %s",
				bpf_map__name(map), path, ebs_error_text(&distrust));
		ebs_error_clear(&distrust);
	}
	return result;
}

static int explain_pin(const struct ebs_map *map, const char *path, int number,
		       struct ebs_error *error)
{
	char what[EBS_MAP_TITLE];

	ebs_map_title(map, what, sizeof(what));
	return ebs_explain_pin(what, path, number, error);
}

// A map must be like the one that is pinned under its name already.
int ebs_object_explain_pins(struct ebs_object *object, int number, struct ebs_error *error)
{
	struct bpf_map *handle;
	int result = 0;

	bpf_object__for_each_map (handle, object->handle) {
		const char *path = bpf_map__pin_path(handle);
		struct ebs_map *map = ebs_object_map(object, bpf_map__name(handle));
		if (!path || !map || result)
			continue;
		struct ebs_map wanted = *map;
		struct ebs_buffer differences = { 0 };

		wanted.max_entries = bpf_map__max_entries(handle);
		ebs_map_differences(&wanted, path, &differences);
		if (differences.size)
			result = ebs_error_explain(
				error, number,
				"map \"%s\" is not like the one that is pinned at \"%s\": %s; "
				"remove that one, or change the C",
				map->name, path, differences.data);
		else if (strstr(ebs_log_text(), "not on BPF FS"))
			result = explain_pin(map, path, number, error);
		ebs_buffer_free(&differences);
	}
	return result;
}
