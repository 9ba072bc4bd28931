// SPDX-License-Identifier: GPL-2.0-only
// Maps of an object that are pinned by name, and taken over from there.
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/log.h"
#include "kernel/map_open.h"
#include "kernel/object_private.h"

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
			result = ebs_map_explain_pin(map, path, number, error);
		ebs_buffer_free(&differences);
	}
	return result;
}
