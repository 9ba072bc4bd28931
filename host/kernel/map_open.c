// SPDX-License-Identifier: GPL-2.0-only
// Maps that no object of ours holds: pinned ones, and inner maps.
#include "kernel/map_open.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/trust.h"
#include "kernel/map_info.h"
#include "kernel/map_memory.h"
#include "kernel/pin.h"

static struct ebs_map *new_map(const struct bpf_map_info *info, struct ebs_error *error)
{
	struct ebs_map *map = calloc(1, sizeof(*map));

	if (!map) {
		ebs_error_errno(error, ENOMEM, "can't open a map");
		return NULL;
	}
	map->fd = -1;
	map->type = info->type;
	map->name = strndup(info->name, sizeof(info->name));
	map->key_size = info->key_size;
	map->value_size = info->value_size;
	map->max_entries = info->max_entries;
	map->flags = info->map_flags;
	map->extra = info->map_extra;
	if (!map->name)
		ebs_error_errno(error, ENOMEM, "can't open a map");
	if (!map->name || ebs_map_complete(map, error)) {
		ebs_map_free(map);
		return NULL;
	}
	return map;
}

// The map of the descriptor, without types, which it takes over in any case.
static struct ebs_map *take_fd(int fd, const char *what, struct bpf_map_info *info,
			       struct ebs_error *error)
{
	uint32_t size = sizeof(*info);
	struct ebs_map *map = NULL;

	memset(info, 0, sizeof(*info));
	if (bpf_obj_get_info_by_fd(fd, info, &size))
		ebs_error_errno(error, errno, "can't ask what %s is", what);
	else
		map = new_map(info, error);
	if (map)
		map->fd = fd;
	else
		close(fd);
	return map;
}

// Without the right to read BTF by its id keys and values are bytes; nothing else makes them so.
static int take_own_types(struct ebs_map *map, const struct bpf_map_info *info,
			  struct ebs_error *error)
{
	map->types = info->btf_id ? ebs_types_from_kernel(info->btf_id) : NULL;
	if (!map->types && info->btf_id && errno != EPERM && errno != EACCES)
		return ebs_error_errno(error, errno, "can't read the types of map \"%s\"",
				       map->name);
	if (!map->types)
		return 0;
	map->own_types = true;
	return ebs_map_set_types(map, info->btf_key_type_id, info->btf_value_type_id, error);
}

// What a descriptor of bpf(2) stands for, as the kernel names it: "bpf-map", "bpf-prog".
static bool is_map(int fd, char *kind, size_t size)
{
	ebs_pin_name_fd(fd, kind, size);
	return strstr(kind, "bpf-map") || !*kind;
}

struct ebs_map *ebs_map_open_pinned(const char *path, struct ebs_error *error)
{
	struct bpf_map_info info;
	struct statfs status;
	char kind[64];
	struct ebs_error distrust = { 0 };

	if (ebs_trust_path(path, EBS_TRUST_NAMED, &distrust) == -EPERM) {
		ebs_error_explain(error, EPERM, "the pinned map \"%s\" is not opened: %s", path,
				  ebs_error_text(&distrust));
		ebs_error_clear(&distrust);
		return NULL;
	}
	ebs_error_clear(&distrust);
	int fd = bpf_obj_get(path);
	int number = errno;

	if (fd < 0) {
		if (number == ENOENT)
			ebs_error_explain(error, number, "no map is pinned at \"%s\"", path);
		else if (!statfs(path, &status) && status.f_type != BPF_FS_MAGIC)
			ebs_error_explain(error, EINVAL,
					  "\"%s\" is no pinned map: it is on no BPF file system",
					  path);
		else
			ebs_error_errno(error, number, "can't open the pinned map \"%s\"", path);
		return NULL;
	}
	if (!is_map(fd, kind, sizeof(kind))) {
		ebs_error_explain(error, EINVAL, "what is pinned at \"%s\" is no map but %s", path,
				  kind);
		close(fd);
		return NULL;
	}
	struct ebs_map *map = take_fd(fd, path, &info, error);
	if (!map)
		return NULL;
	map->pin_path = strdup(path);
	if (!map->pin_path)
		ebs_error_errno(error, ENOMEM, "can't open the pinned map \"%s\"", path);
	if (!map->pin_path || take_own_types(map, &info, error)) {
		ebs_map_free(map);
		return NULL;
	}
	return map;
}

// What the outer map's definition says of inner maps holds for one of the same sizes.
static bool take_definition(struct ebs_map *map, const struct ebs_map *definition)
{
	if (!definition || definition->type != map->type || definition->key_size != map->key_size ||
	    definition->value_size != map->value_size)
		return false;
	map->types = definition->types;
	map->key = definition->key;
	map->value = definition->value;
	return true;
}

struct ebs_map *ebs_map_open_inner(const struct ebs_map *outer, uint32_t id,
				   struct ebs_error *error)
{
	struct bpf_map_info info;
	int fd = bpf_map_get_fd_by_id(id);

	if (fd < 0) {
		ebs_error_errno(error, errno, "can't open the inner map %u of map \"%s\"", id,
				outer->name);
		return NULL;
	}
	struct ebs_map *map = take_fd(fd, "an inner map", &info, error);
	if (map && !take_definition(map, outer->inner) && take_own_types(map, &info, error)) {
		ebs_map_free(map);
		return NULL;
	}
	return map;
}

struct ebs_map *ebs_map_create_inner(const struct ebs_map *outer, struct ebs_error *error)
{
	const struct ebs_map *inner = outer->inner;
	struct bpf_map_info info;

	if (!inner) {
		ebs_error_explain(
			error, EINVAL,
			"what inner maps of map \"%s\" are like is not known here: only the "
			"C that defines it says so",
			outer->name);
		return NULL;
	}
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = inner->flags,
		    .map_extra = inner->extra, .btf_fd = inner->btf_fd > 0 ? inner->btf_fd : 0,
		    .btf_key_type_id = inner->key_type_id,
		    .btf_value_type_id = inner->value_type_id);
	int fd = bpf_map_create(inner->type, outer->name, inner->key_size, inner->value_size,
				inner->max_entries, &options);
	if (fd < 0 && options.btf_fd) { // a kind of map that takes no BTF
		options.btf_fd = options.btf_key_type_id = options.btf_value_type_id = 0;
		fd = bpf_map_create(inner->type, outer->name, inner->key_size, inner->value_size,
				    inner->max_entries, &options);
	}
	if (fd < 0) {
		ebs_error_errno(error, errno, "can't make an inner map for map \"%s\"",
				outer->name);
		return NULL;
	}
	struct ebs_map *map = take_fd(fd, "a new inner map", &info, error);
	if (map)
		take_definition(map, inner);
	return map;
}

void ebs_map_close(struct ebs_map *map)
{
	ebs_map_memory_forget(map);
	if (map->fd >= 0)
		close(map->fd);
	map->fd = -1;
}

void ebs_map_free(struct ebs_map *map)
{
	if (!map)
		return;
	ebs_map_close(map);
	ebs_map_release(map);
	free(map);
}
