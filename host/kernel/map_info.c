// SPDX-License-Identifier: GPL-2.0-only
// What a map is: from the C's definition, and from what the kernel tells of it.
#include "kernel/map_info.h"
#include "kernel/cpus.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "kernel/map_memory.h"
#include "types/builtin.h"

// What the kernel says of a part goes in. Returns 0 or -errno.
static int builtin_layout(const char *name, const struct ebs_layout **part, struct ebs_error *error)
{
	if (!name)
		return 0;
	*part = ebs_builtin_layout(name);
	return *part ? 0 : ebs_error_errno(error, ENOMEM, "can't describe a map");
}

int ebs_map_complete(struct ebs_map *map, struct ebs_error *error)
{
	map->kind = ebs_map_kind(map->type);
	map->per_cpu = map->kind->per_cpu;
	map->cpus = map->per_cpu ? ebs_possible_cpus() : 1;
	map->stride = map->per_cpu ? (map->value_size + 7) / 8 * 8 : map->value_size;

	const char *key = map->key ? NULL : ebs_map_kind_key(map->kind, map->key_size);
	const char *value = ebs_map_kind_value(map->kind, map->value_size);
	int result = builtin_layout(key, &map->key, error);
	return result ? result : builtin_layout(value, &map->value, error);
}

// Without a type that fits, the part is bytes; but not because memory is short.
static int part_layout(struct ebs_types *types, uint32_t type_id, uint32_t size,
		       const struct ebs_layout **part, struct ebs_error *error)
{
	struct ebs_error reason = { 0 };
	const struct ebs_layout *layout =
		type_id ? ebs_types_stored_layout(types, type_id, &reason) : NULL;
	bool short_of_memory = strcmp(reason.code, "ENOMEM") == 0;

	*part = layout && layout->size == size ? layout : NULL;
	ebs_error_clear(&reason);
	return short_of_memory ? ebs_error_errno(error, ENOMEM, "can't describe a map") : 0;
}

int ebs_map_set_types(struct ebs_map *map, uint32_t key_type_id, uint32_t value_type_id,
		      struct ebs_error *error)
{
	map->key_type_id = key_type_id;
	map->value_type_id = value_type_id;
	int result = part_layout(map->types, key_type_id, map->key_size, &map->key, error);
	if (!result)
		result =
			part_layout(map->types, value_type_id, map->value_size, &map->value, error);
	return result ? result : ebs_map_complete(map, error);
}

// In a buffer, __type(value, ...) names the samples' type; the kernel wants its own sizes.
static void set_buffer_sizes(uint32_t type, struct bpf_map *definition)
{
	if (type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_USER_RINGBUF) {
		bpf_map__set_key_size(definition, 0);
		bpf_map__set_value_size(definition, 0);
	} else if (type == BPF_MAP_TYPE_PERF_EVENT_ARRAY) {
		bpf_map__set_key_size(definition, sizeof(uint32_t));
		bpf_map__set_value_size(definition, sizeof(uint32_t));
	}
}

static int describe(struct ebs_map *map, struct bpf_map *definition, struct ebs_types *types,
		    bool is_inner, struct ebs_error *error)
{
	struct bpf_map *inner = bpf_map__inner_map(definition);
	const char *name = bpf_map__name(definition);

	map->fd = -1;
	map->type = bpf_map__type(definition);
	map->name = strdup(name ? name : "");
	if (!map->name)
		return ebs_error_errno(error, ENOMEM, "can't describe a map");
	if (!ebs_map_kind_is_known(map->type)) {
		const struct ebs_map_kind *kind = ebs_map_kind(map->type);
		return ebs_error_explain(
			error, EOPNOTSUPP,
			"map \"%s\" is of kind %s (%u), which libbpf %s doesn't know: it needs a "
			"newer libbpf",
			map->name, kind->name, map->type, libbpf_version_string() + 1);
	}
	if (!is_inner) // libbpf from 1.2 on crashes there: it asks the object, which is not set
		set_buffer_sizes(map->type, definition);
	map->key_size = bpf_map__key_size(definition);
	map->value_size = bpf_map__value_size(definition);
	map->max_entries = bpf_map__max_entries(definition);
	map->flags = bpf_map__map_flags(definition);
	map->extra = bpf_map__map_extra(definition);
	map->types = types;
	int result = ebs_map_set_types(map, bpf_map__btf_key_type_id(definition),
				       bpf_map__btf_value_type_id(definition), error);
	if (result)
		return result;
	if (!inner)
		return 0;
	map->inner = calloc(1, sizeof(*map->inner));
	if (!map->inner)
		return ebs_error_errno(error, ENOMEM, "can't describe map \"%s\"", map->name);
	return describe(map->inner, inner, types, true, error);
}

int ebs_map_describe(struct ebs_map *map, struct bpf_map *definition, struct ebs_types *types,
		     struct ebs_error *error)
{
	return describe(map, definition, types, false, error);
}

void ebs_map_release(struct ebs_map *map)
{
	if (map->inner) {
		ebs_map_release(map->inner);
		free(map->inner);
	}
	ebs_map_memory_forget(map);
	if (map->own_types)
		ebs_types_free(map->types);
	free(map->pin_path);
	free(map->halves);
	free(map->name);
}

// The number behind "NAME:" in the kernel's description of the descriptor; 0 where it isn't there.
static uint64_t described_number(const struct ebs_buffer *text, const char *name)
{
	const char *line = text->data ? strstr(text->data, name) : NULL;

	return line ? strtoull(line + strlen(name), NULL, 10) : 0;
}

int ebs_map_info(const struct ebs_map *map, struct ebs_map_info *info, struct ebs_error *error)
{
	struct ebs_buffer text = { 0 };
	char path[48];

	*info = (struct ebs_map_info){ 0 };
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", map->fd);
	int result = ebs_buffer_read_file(&text, path);
	if (result || text.failed) {
		ebs_buffer_free(&text);
		return ebs_error_errno(error, result ? result : ENOMEM,
				       "can't ask what map \"%s\" is", map->name);
	}
	info->id = (uint32_t)described_number(&text, "\nmap_id:");
	info->memory = described_number(&text, "\nmemlock:");
	info->frozen = described_number(&text, "\nfrozen:");
	ebs_buffer_free(&text);
	return 0;
}

const char *ebs_map_flag_name(unsigned bit)
{
	// BPF_F_* of map creation, by bit.
	static const char *const names[EBS_MAP_FLAGS] = {
		"no_prealloc",      "no_common_lru",  "numa_node",     "rdonly",       "wronly",
		"stack_build_id",   "zero_seed",      "rdonly_prog",   "wronly_prog",  "clone",
		"mmapable",         "preserve_elems", "inner_map",     "link",         "path_fd",
		"vtype_btf_obj_fd", "token_fd",       "segv_on_fault", "no_user_conv",
	};

	return bit < EBS_MAP_FLAGS ? names[bit] : NULL;
}
