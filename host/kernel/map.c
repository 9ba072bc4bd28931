// SPDX-License-Identifier: GPL-2.0-only
// Single entries of BPF maps.
#include "kernel/map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/map_info.h"
#include "kernel/map_memory.h"

const char *ebs_map_type_name(const struct ebs_map *map)
{
	return map->kind->name;
}

// Why nothing may be written, in words.
static const char *refusal(const struct ebs_map *map)
{
	struct ebs_map_info info;

	if (map->flags & BPF_F_RDONLY)
		return "it was made with BPF_F_RDONLY: only programs can change it";
	if (!ebs_map_info(map, &info, NULL) && info.frozen)
		return "it is frozen: only programs can change it";
	return "that needs root, or CAP_BPF, and a descriptor that may write";
}

int ebs_map_explain(const struct ebs_map *map, int number, const char *what, uint64_t flags,
		    struct ebs_error *error)
{
	const char *kind = ebs_map_type_name(map);
	const char *why = NULL;

	switch (abs(number)) {
	case ENOSPC:
	case E2BIG:
		if (map->kind->value == EBS_VALUE_SOCKET && map->value_size != 8)
			why = "its values must be 8 bytes wide to be read, as the cookies of "
			      "sockets are";
		else
			return ebs_error_explain(error, number,
						 "can't %s map \"%s\": it holds %u entries at most",
						 what, map->name, map->max_entries);
		break;
	case EEXIST:
		why = "the key is in it already";
		break;
	case ENOENT:
		why = "the key is not in it";
		break;
	case ENOMEM:
		why = "the kernel has no memory for it now";
		break;
	case EPERM:
		why = refusal(map);
		break;
	case EBUSY:
		why = "the kernel is changing the same place: try again";
		break;
	case EBADF:
	case EINVAL:
	case EOPNOTSUPP:
	case EOVERFLOW:
		why = flags ? "entries of this kind don't take that flag, or the value doesn't fit"
			    : map->kind->invalid;
		break;
	case ENOTSUPP:
		return ebs_error_explain(error, EOPNOTSUPP,
					 "can't %s map \"%s\": this kernel can't for the kind %s",
					 what, map->name, kind);
	}
	if (!why)
		return ebs_error_errno(error, number, "can't %s map \"%s\" (%s)", what, map->name,
				       kind);
	return ebs_error_explain(error, number, "can't %s map \"%s\" (%s): %s", what, map->name,
				 kind, why);
}

int ebs_map_get(struct ebs_map *map, const void *key, void *value, struct ebs_error *error)
{
	const struct ebs_memory *memory = ebs_map_memory(map);
	uint32_t index;

	if (memory) {
		memcpy(&index, key, sizeof(index));
		if (index >= map->max_entries)
			return 0;
		memcpy(value, memory->data + index * memory->stride, map->value_size);
		return 1;
	}
	if (!bpf_map_lookup_elem(map->fd, key, value))
		return 1;
	if (errno == ENOENT)
		return 0;
	return ebs_map_explain(map, errno, "read", 0, error);
}

int ebs_map_set(const struct ebs_map *map, const void *key, const void *value, uint64_t flags,
		struct ebs_error *error)
{
	if (!bpf_map_update_elem(map->fd, key, value, flags))
		return 0;
	return ebs_map_explain(map, errno, key ? "set an entry of" : "push into", flags, error);
}

int ebs_map_delete(const struct ebs_map *map, const void *key, struct ebs_error *error)
{
	if (!bpf_map_delete_elem(map->fd, key))
		return 1;
	// A slot of a socket map that is empty counts as a wrong argument there.
	if (errno == ENOENT || (errno == EINVAL && map->kind->value == EBS_VALUE_SOCKET))
		return 0;
	return ebs_map_explain(map, errno, "delete an entry of", 0, error);
}

int ebs_map_pop(const struct ebs_map *map, void *value, struct ebs_error *error)
{
	if (!bpf_map_lookup_and_delete_elem(map->fd, NULL, value))
		return 1;
	if (errno == ENOENT)
		return 0;
	return ebs_map_explain(map, errno, "pop from", 0, error);
}
