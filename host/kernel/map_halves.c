// SPDX-License-Identifier: GPL-2.0-only
// Maps in two halves: found by their names, and swapped.
#include "kernel/map_halves.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/object_private.h"

#define NAME_SIZE 256

static bool half_name(char *out, const char *name, unsigned half)
{
	return snprintf(out, NAME_SIZE, "%s__%u", name, half) < NAME_SIZE;
}

struct bpf_map *ebs_halves_find(struct ebs_object *object, const char *name, unsigned half)
{
	struct bpf_map *array = bpf_object__find_map_by_name(object->handle, name);
	struct bpf_map *halves[2];
	char half_of[NAME_SIZE];

	if (!array || bpf_map__type(array) != BPF_MAP_TYPE_ARRAY_OF_MAPS ||
	    bpf_map__max_entries(array) != 1)
		return NULL;
	for (unsigned i = 0; i < 2; i++) {
		halves[i] = half_name(half_of, name, i)
				    ? bpf_object__find_map_by_name(object->handle, half_of)
				    : NULL;
		if (!halves[i])
			return NULL;
	}
	return halves[half];
}

static int join(struct ebs_object *object, struct ebs_map *array, struct ebs_error *error)
{
	struct bpf_map *first = ebs_halves_find(object, array->name, 0);
	struct bpf_map *second = ebs_halves_find(object, array->name, 1);
	char first_name[NAME_SIZE];

	if (!first || !half_name(first_name, array->name, 0))
		return 0;
	struct ebs_map *map = ebs_object_map(object, first_name);
	struct ebs_halves *halves = calloc(1, sizeof(*halves));
	if (!map || !halves) {
		free(halves);
		return ebs_error_errno(error, ENOMEM, "can't describe map \"%s\"", array->name);
	}
	*halves = (struct ebs_halves){ array->fd, { bpf_map__fd(first), bpf_map__fd(second) }, 0 };
	map->halves = halves;
	char *name = map->name;
	map->name = array->name;
	array->name = name;
	return 0;
}

int ebs_halves_load(struct ebs_object *object, struct ebs_error *error)
{
	int result = 0;

	for (size_t i = 0; !result && i < object->map_count; i++)
		if (object->maps[i].type == BPF_MAP_TYPE_ARRAY_OF_MAPS)
			result = join(object, &object->maps[i], error);
	return result;
}

int ebs_halves_swap(struct ebs_map *map)
{
	struct ebs_halves *halves = map->halves;
	unsigned other = !halves->used;
	uint32_t entry = 0;

	// For arrays of maps the kernel waits here, as long as a program may be running that has
	// looked up what was there before.
	if (bpf_map_update_elem(halves->array, &entry, &halves->halves[other], BPF_ANY))
		return -errno;
	halves->used = other;
	map->fd = halves->halves[other];
	return halves->halves[!other];
}
