// SPDX-License-Identifier: GPL-2.0-only
// User ring buffers: samples from the script to its programs.
//
// libbpf writes them. It reads both positions once for each sample, and the kernel or another
// process may have written anything there: a position only ever becomes a place by the size of the
// buffer, whose pages are mapped twice, and a sample is never larger than the buffer. So a wrong
// position spoils what lies in the buffer, and nothing else; programs check each sample's size.
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "kernel/ring.h"

int ebs_map_submit(struct ebs_map *map, const void *data, size_t size, struct ebs_error *error)
{
	if (!map->submitter)
		map->submitter = user_ring_buffer__new(map->fd, NULL);
	if (!map->submitter)
		return ebs_error_errno(error, errno, "can't write to the user ring buffer \"%s\"",
				       map->name);

	void *sample = size > UINT32_MAX
			       ? NULL
			       : user_ring_buffer__reserve(map->submitter, (uint32_t)size);
	if (sample) {
		memcpy(sample, data, size);
		user_ring_buffer__submit(map->submitter, sample);
		return 0;
	}
	if (size > UINT32_MAX || errno == E2BIG)
		return ebs_error_explain(error, E2BIG,
					 "a sample of %zu bytes doesn't fit into map \"%s\", which "
					 "holds %u bytes: raise its max_entries",
					 size, map->name, map->max_entries);
	if (errno == ENOSPC)
		return ebs_error_explain(error, ENOSPC,
					 "map \"%s\" is full: its programs haven't drained it yet",
					 map->name);
	return ebs_error_errno(error, errno, "can't write to the user ring buffer \"%s\"",
			       map->name);
}

void ebs_map_submit_end(struct ebs_map *map)
{
	user_ring_buffer__free(map->submitter);
	map->submitter = NULL;
}
