// SPDX-License-Identifier: GPL-2.0-only
// Writing many entries of a map.
#include <bpf/bpf.h>
#include <errno.h>

#include "kernel/map.h"

// Counts on by what was written. Returns 0 or -errno.
static int write_singly(const struct ebs_map *map, const uint8_t *keys, const uint8_t *values,
			uint32_t count, uint64_t flags, uint32_t *written)
{
	size_t value_bytes = ebs_map_value_bytes(map);

	for (; *written < count; ++*written)
		if (bpf_map_update_elem(map->fd, keys + (size_t)*written * map->key_size,
					values + *written * value_bytes, flags))
			return -errno;
	return 0;
}

// A batch that fails says how far it came, or hasn't started and leaves its count as it was: the
// single calls behind it go on where it stopped, and give the true reason where there is one.
static uint32_t write_batch(const struct ebs_map *map, const uint8_t *keys, const uint8_t *values,
			    uint32_t count, uint64_t flags)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options, .elem_flags = flags);
	uint32_t written = count;

	if (!bpf_map_update_batch(map->fd, keys, values, &written, &options))
		return count;
	return written < count ? written : 0;
}

int ebs_map_update(const struct ebs_map *map, const uint8_t *keys, const uint8_t *values,
		   uint32_t count, uint64_t flags, uint32_t *written, struct ebs_error *error)
{
	uint32_t from = *written;

	if (count - from > 1)
		*written +=
			write_batch(map, keys + (size_t)from * map->key_size,
				    values + from * ebs_map_value_bytes(map), count - from, flags);
	int result = write_singly(map, keys, values, count, flags, written);
	struct ebs_error why = { 0 };

	if (!result)
		return 0;
	result = ebs_map_explain(map, result, "set an entry of", flags, &why);
	result = ebs_error_explain(error, result, "%s (%u of %u entries were written)",
				   ebs_error_text(&why), *written, count);
	ebs_error_clear(&why);
	return result;
}
