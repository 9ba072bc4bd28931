// SPDX-License-Identifier: GPL-2.0-only
// Maps that no object of ours holds: pinned ones, and inner maps. And pinning, freezing.
#ifndef EBS_KERNEL_MAP_OPEN_H
#define EBS_KERNEL_MAP_OPEN_H

#include "kernel/map.h"

// Each gives a map that ends with ebs_map_free(), or NULL with `error` filled.

// The map that is pinned at `path`, typed by its own BTF.
struct ebs_map *ebs_map_open_pinned(const char *path, struct ebs_error *error);
// The inner map of `outer` with the id that reading an entry gave. Typed by the outer map's inner
// definition where that is known, which must outlive it; else by its own BTF. Code "ENOENT" when it
// is gone.
struct ebs_map *ebs_map_open_inner(const struct ebs_map *outer, uint32_t id,
				   struct ebs_error *error);
// A new map, as the inner definition of `outer` says, which must outlive it.
struct ebs_map *ebs_map_create_inner(const struct ebs_map *outer, struct ebs_error *error);

// Gives the descriptor back; what is described stays readable. Harmless when repeated.
void ebs_map_close(struct ebs_map *map);
void ebs_map_free(struct ebs_map *map);

// Each returns 0, or -errno with `error` filled.
int ebs_map_pin(struct ebs_map *map, const char *path, struct ebs_error *error);
int ebs_map_unpin(struct ebs_map *map, struct ebs_error *error);
int ebs_map_freeze(const struct ebs_map *map, struct ebs_error *error);

// What messages about pins call the map: `map "flows"`.
#define EBS_MAP_TITLE 80
void ebs_map_title(const struct ebs_map *map, char *out, size_t size);

// How `given` differs from `map`, which is not loaded yet, for a message: "key_size is 4, not 8".
// The number of entries and `ignored_flags` do not count. Appends nothing when they are alike.
struct ebs_buffer;
void ebs_map_compare(const struct ebs_map *map, const struct ebs_map *given, uint32_t ignored_flags,
		     struct ebs_buffer *out);

// How the map that is pinned at `path` differs from `map`, which is not loaded yet, for a message:
// "max_entries is 10, not 20". Appends nothing when it can't be read or doesn't differ.
void ebs_map_differences(const struct ebs_map *map, const char *path, struct ebs_buffer *out);

#endif
