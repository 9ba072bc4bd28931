// SPDX-License-Identifier: GPL-2.0-only
// The counters of ebscript.bpf.h: an array in memory that the kernel shares with us.
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/object_private.h"

#define MAP_NAME "ebs_losses"

// In the order of enum ebs_loss; each CPU has one of each kind, side by side.
enum { LOST_EVENTS, FAILED_UPDATES, KINDS };

static size_t counter_bytes(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t bytes = sizeof(uint64_t) * KINDS * libbpf_num_possible_cpus();

	return (bytes + page - 1) / page * page;
}

static struct bpf_map *find_counters(struct ebs_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object->handle, MAP_NAME);

	return map && bpf_map__type(map) == BPF_MAP_TYPE_ARRAY &&
			       bpf_map__value_size(map) == sizeof(uint64_t)
		       ? map
		       : NULL;
}

void ebs_losses_prepare(struct ebs_object *object)
{
	struct bpf_map *map = find_counters(object);

	if (map)
		bpf_map__set_max_entries(map, KINDS * libbpf_num_possible_cpus());
}

int ebs_losses_open(struct ebs_object *object, struct ebs_error *error)
{
	struct bpf_map *map = find_counters(object);
	if (!map)
		return 0;
	void *memory = mmap(NULL, counter_bytes(), PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);
	if (memory == MAP_FAILED)
		return ebs_error_errno(error, errno, "can't read the counters of lost events");
	object->losses = memory;
	return 0;
}

void ebs_losses_close(struct ebs_object *object)
{
	if (object->losses)
		munmap((void *)object->losses, counter_bytes());
	object->losses = NULL;
}

struct ebs_losses ebs_object_losses(const struct ebs_object *object)
{
	struct ebs_losses sum = { 0 };
	int cpus = object->losses ? libbpf_num_possible_cpus() : 0;

	for (int cpu = 0; cpu < cpus; cpu++) {
		const volatile uint64_t *counters = object->losses + (size_t)cpu * KINDS;

		sum.lost_events += counters[LOST_EVENTS];
		sum.failed_updates += counters[FAILED_UPDATES];
	}
	return sum;
}
