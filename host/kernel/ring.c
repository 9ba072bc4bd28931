// SPDX-License-Identifier: GPL-2.0-only
// Samples of ring buffers and perf buffers: what does not depend on the kind.
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>

#include "base/file.h"
#include "kernel/permission.h"
#include "kernel/ring_private.h"

static void explain(const struct ebs_map *map, int number, struct ebs_error *error)
{
	bool perf = map->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
	const char *each = perf ? " for each CPU" : "";
	size_t size = (map->buffer_size ? map->buffer_size : map->max_entries) / 1024;

	if (number == EMFILE)
		ebs_error_explain(
			error, number,
			"can't read the buffer \"%s\": it takes a file%s, and this process "
			"may have %s",
			map->name, each, ebs_open_files_limit());
	else if (number == ENOMEM)
		ebs_error_explain(error, number,
				  "the kernel has not the memory for the buffer \"%s\", %zu KiB%s: "
				  "give it less (buffer_size, or ebscript --buffer-size)",
				  map->name, size, each);
	else if (perf && number == EPERM)
		ebs_error_explain(error, number,
				  "this process may not lock as much memory as the buffer \"%s\" "
				  "takes, %zu KiB%s: give it less (buffer_size, or ebscript "
				  "--buffer-size), raise `ulimit -l`, or run it with CAP_IPC_LOCK",
				  map->name, size, each);
	else if (perf && number == EACCES && ebs_permission_paranoid())
		ebs_error_explain(error, number, "can't read the perf buffer \"%s\": %s", map->name,
				  ebs_permission_paranoid());
	else if (perf && number == EACCES)
		ebs_error_explain(error, number,
				  "reading the perf buffer \"%s\" needs CAP_PERFMON: ask for its "
				  "events before privileges are dropped",
				  map->name);
	else
		ebs_error_errno(error, number, "can't read the buffer \"%s\"", map->name);
}

struct ebs_ring *ebs_ring_new(struct ebs_map *map, struct ebs_error *error)
{
	struct ebs_ring *ring;

	if (map->type == BPF_MAP_TYPE_RINGBUF) {
		ring = ebs_ring_buffer_new(map);
	} else if (map->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY) {
		ring = ebs_perf_ring_new(map);
	} else {
		ebs_error_set(error, "EINVAL",
			      "map \"%s\" is no ring or perf buffer but of kind %s", map->name,
			      ebs_map_type_name(map));
		return NULL;
	}
	if (!ring)
		explain(map, errno, error);
	return ring;
}

void ebs_ring_free(struct ebs_ring *ring)
{
	if (ring)
		ring->kind->free(ring);
}

int ebs_ring_fd(const struct ebs_ring *ring)
{
	return ring->fd;
}

void ebs_ring_begin(struct ebs_ring *ring)
{
	ring->busy = false;
	ring->kind->begin(ring);
}

size_t ebs_ring_take(struct ebs_ring *ring, struct ebs_sample *samples, size_t limit)
{
	return ring->kind->take(ring, samples, limit);
}

size_t ebs_ring_end(struct ebs_ring *ring, const struct ebs_sample *last)
{
	return ring->kind->end(ring, last);
}

bool ebs_ring_is_waiting(const struct ebs_ring *ring)
{
	return ring->kind->is_waiting && ring->kind->is_waiting(ring);
}

bool ebs_ring_is_busy(const struct ebs_ring *ring)
{
	return ring->busy;
}

size_t ebs_ring_capacity(const struct ebs_ring *ring)
{
	return ring->capacity;
}

// Both keep one byte free, and headers and padding to 8 bytes count.
size_t ebs_ring_largest(const struct ebs_ring *ring, const struct ebs_map *map)
{
	const size_t perf_headers = sizeof(struct perf_event_header) + sizeof(uint32_t);

	if (map->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return ring->capacity - 8 - BPF_RINGBUF_HDR_SZ;
	size_t fits = ring->capacity - 8 - perf_headers;
	return fits < EBS_PERF_MAX_SAMPLE ? fits : EBS_PERF_MAX_SAMPLE;
}

// In a perf buffer a sample's size stands before it in 32 bits, and both together are padded to 64.
size_t ebs_ring_sample_size(const struct ebs_map *map, size_t size)
{
	if (map->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return size;
	return (size + sizeof(uint32_t) + 7) / 8 * 8 - sizeof(uint32_t);
}

void ebs_ring_count_lost(struct ebs_ring *ring)
{
	if (ring->kind->count_lost)
		ring->kind->count_lost(ring);
}
