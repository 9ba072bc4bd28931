// SPDX-License-Identifier: GPL-2.0-only
// Samples of a ring buffer, to a callback.
#include "kernel/ring.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define SAMPLE_HEADER 8       // bytes before each sample (struct bpf_ringbuf_hdr)
#define ENOUGH        INT_MIN // ends one reading, to be told from the callback's numbers

struct ebs_ring {
	struct ring_buffer *handle;
	ebs_ring_callback *callback;
	void *context;
	size_t size;     // of the buffer, bytes
	size_t consumed; // by this reading
};

static int on_sample(void *context, void *data, size_t size)
{
	struct ebs_ring *ring = context;
	int result = ring->callback(ring->context, data, size);

	ring->consumed += SAMPLE_HEADER + (size + 7) / 8 * 8;
	if (result < 0)
		return result;
	return ring->consumed >= ring->size ? ENOUGH : 0;
}

struct ebs_ring *ebs_ring_new(const struct ebs_map *map, ebs_ring_callback *callback, void *context,
			      struct ebs_error *error)
{
	if (map->type != BPF_MAP_TYPE_RINGBUF) {
		ebs_error_set(error, "EINVAL", "map \"%s\" is no ring buffer but of kind %s",
			      map->name, ebs_map_type_name(map));
		return NULL;
	}
	struct ebs_ring *ring = calloc(1, sizeof(*ring));
	if (ring) {
		ring->callback = callback;
		ring->context = context;
		ring->size = map->max_entries;
		ring->handle = ring_buffer__new(map->fd, on_sample, ring, NULL);
	}
	if (!ring || !ring->handle) {
		ebs_error_errno(error, ring ? errno : ENOMEM, "can't read ring buffer \"%s\"",
				map->name);
		free(ring);
		return NULL;
	}
	return ring;
}

void ebs_ring_free(struct ebs_ring *ring)
{
	if (!ring)
		return;
	ring_buffer__free(ring->handle);
	free(ring);
}

int ebs_ring_fd(const struct ebs_ring *ring)
{
	return ring_buffer__epoll_fd(ring->handle);
}

int ebs_ring_consume(struct ebs_ring *ring)
{
	ring->consumed = 0;
	int result = ring_buffer__consume(ring->handle);
	return result >= 0 || result == ENOUGH ? 0 : result;
}
