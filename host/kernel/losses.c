// SPDX-License-Identifier: GPL-2.0-only
// What an object's programs lose. The helpers of ebscript.bpf.h count in an array in memory that
// the kernel shares with us.
#include "kernel/losses.h"
#include "kernel/cpus.h"

#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/shared.h"
#include "kernel/object_private.h"

#define MAP_NAME        "ebs_losses"
#define SITE_NAME       ".ebs_loss_site" // inside of a variable's name, behind the function's
#define COUNTED_ENTRIES (16 * 1024)      // some 2 ms
#define COUNTED_BYTES   (4 * 1024 * 1024)
#define CACHE_LINE      64 // bytes: what two CPUs shouldn't share

bool ebs_losses_is_map(const char *name)
{
	return strcmp(name, MAP_NAME) == 0;
}

// The name at the end of what the C calls a map: "events" of "&events".
static char *last_identifier(const char *text, size_t size)
{
	size_t end = strnlen(text, size);

	while (end && !isalnum((unsigned char)text[end - 1]) && text[end - 1] != '_')
		end--;
	size_t start = end;
	while (start && (isalnum((unsigned char)text[start - 1]) || text[start - 1] == '_'))
		start--;
	return strndup(text + start, end - start);
}

// Takes `loss.name` over, which may be NULL for want of memory.
static int add(struct ebs_losses *losses, struct ebs_loss loss)
{
	struct ebs_loss *list =
		loss.name ? reallocarray(losses->list, losses->count + 1, sizeof(*list)) : NULL;
	if (!list) {
		free(loss.name);
		return -ENOMEM;
	}
	losses->list = list;
	losses->list[losses->count++] = loss;
	return 0;
}

// Takes `name` over. Returns which counter it has, or -ENOMEM.
static int add_counter(struct ebs_object *object, enum ebs_loss_kind kind, char *name)
{
	struct ebs_losses *losses = &object->losses;

	for (size_t i = 0; name && i < losses->counters; i++)
		if (losses->list[i].kind == kind && strcmp(losses->list[i].name, name) == 0) {
			free(name);
			return (int)i;
		}
	int result = add(losses, (struct ebs_loss){ .kind = kind, .name = name });
	return result ? result : (int)losses->counters++;
}

struct find_sites {
	struct ebs_object *object;
	uint8_t *rodata;
	size_t size;
};

static uint32_t *site_number(struct find_sites *find, const struct ebs_variable *site,
			     const char *member)
{
	const struct ebs_field *field = ebs_layout_field(site->layout, member);

	return field && field->layout->size == sizeof(uint32_t)
		       ? (uint32_t *)(find->rodata + site->offset + field->offset)
		       : NULL;
}

// A constant that EBS_LOSS_SITE made.
static int number_site(void *context, const struct ebs_variable *site)
{
	struct find_sites *find = context;

	if (!strstr(site->name, SITE_NAME) || site->layout->kind != EBS_RECORD ||
	    (uint64_t)site->offset + site->layout->size > find->size)
		return 0;
	uint32_t *counter = site_number(find, site, "counter");
	const uint32_t *kind = site_number(find, site, "kind");
	const struct ebs_field *map = ebs_layout_field(site->layout, "map");
	if (!counter || !kind || *kind > EBS_FAILED_UPDATES || !map ||
	    map->layout->kind != EBS_STRING)
		return 0;

	const char *text = (char *)find->rodata + site->offset + map->offset;
	int number = add_counter(find->object, *kind, last_identifier(text, map->layout->size));
	if (number < 0)
		return number;
	*counter = number;
	return 0;
}

// Bytes of one CPU's counters.
static size_t stride(const struct ebs_object *object)
{
	size_t bytes = object->losses.counters * sizeof(uint64_t);

	return (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

int ebs_losses_prepare(struct ebs_object *object, struct ebs_error *error)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object->handle, MAP_NAME);
	struct find_sites find = { .object = object };
	int result = 0;

	find.rodata = ebs_object_rodata(object, &find.size);
	if (map && find.rodata)
		result = ebs_types_variables(object->types, ".rodata", number_site, &find, error);
	if (result)
		return ebs_error_errno(error, result, "can't count what %s loses", object->name);
	if (object->losses.counters) {
		bpf_map__set_max_entries(map, ebs_possible_cpus());
		bpf_map__set_value_size(map, stride(object));
	}
	return 0;
}

static int add_programs(struct ebs_object *object)
{
	int result = 0;

	for (size_t i = 0; i < object->program_count && !result; i++) {
		const struct ebs_program *program = &object->programs[i];

		result = add(&object->losses, (struct ebs_loss){ .kind = EBS_MISSED,
								 .name = strdup(program->name),
								 .program = program });
	}
	return result;
}

static int add_map(struct ebs_object *object, enum ebs_loss_kind kind, const struct ebs_map *map)
{
	return add(&object->losses,
		   (struct ebs_loss){ .kind = kind, .name = strdup(map->name), .map = map });
}

// Is it counted in the kernel what the buffer or map loses?
static bool is_counted(const struct ebs_object *object, const struct ebs_map *map)
{
	for (size_t i = 0; i < object->losses.counters; i++)
		if (object->losses.list[i].map == map)
			return true;
	return false;
}

// Buffers of C that doesn't use the helpers: their readers watch.
static int add_buffers(struct ebs_object *object)
{
	int result = 0;

	for (size_t i = 0; i < object->map_count && !result; i++) {
		const struct ebs_map *map = &object->maps[i];
		bool is_perf = map->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;

		if (!is_perf && map->type != BPF_MAP_TYPE_RINGBUF)
			continue;
		if (!is_counted(object, map))
			result = add_map(object, is_perf ? EBS_LOST_EVENTS : EBS_FULL, map);
		if (!result)
			result = add_map(object, EBS_UNKNOWN_EVENTS, map);
	}
	return result;
}

// Maps of C that doesn't use the helpers. A map that only the script fills is no matter: it is told
// of each failure.
static int add_maps(struct ebs_object *object)
{
	int result = 0;

	for (size_t i = 0; i < object->map_count && !result; i++) {
		struct ebs_map *map = &object->maps[i];

		map->watched =
			(map->type == BPF_MAP_TYPE_HASH || map->type == BPF_MAP_TYPE_PERCPU_HASH ||
			 map->type == BPF_MAP_TYPE_LPM_TRIE) &&
			!map->halves && !is_counted(object, map) &&
			ebs_programs_update(object, map);
		if (map->watched)
			result = add_map(object, EBS_FULL, map);
	}
	return result;
}

static size_t mapped_bytes(const struct ebs_object *object)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t bytes = stride(object) * ebs_possible_cpus();

	return (bytes + page - 1) / page * page;
}

int ebs_losses_open(struct ebs_object *object, struct ebs_error *error)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object->handle, MAP_NAME);

	for (size_t i = 0; i < object->losses.counters; i++) {
		struct ebs_loss *loss = &object->losses.list[i];

		loss->map = ebs_object_map(object, loss->name);
	}
	if (add_buffers(object) || add_maps(object) || add_programs(object))
		return ebs_error_errno(error, ENOMEM, "can't count what %s loses", object->name);
	if (!object->losses.counters)
		return 0;
	void *memory = mmap(NULL, mapped_bytes(object), PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);
	if (memory == MAP_FAILED)
		return ebs_error_errno(error, errno, "can't read the counters of lost events");
	object->losses.memory = memory;
	return 0;
}

void ebs_losses_close(struct ebs_object *object)
{
	ebs_losses_read(object);
	if (!object->losses.memory)
		return;
	munmap((void *)object->losses.memory, mapped_bytes(object));
	object->losses.memory = NULL;
}

void ebs_losses_free(struct ebs_object *object)
{
	for (size_t i = 0; i < object->losses.count; i++)
		free(object->losses.list[i].name);
	free(object->losses.list);
	object->losses = (struct ebs_losses){ 0 };
}

static uint64_t read_counter(const struct ebs_object *object, size_t index)
{
	const uint8_t *counter = object->losses.memory + index * sizeof(uint64_t);
	size_t step = stride(object);
	uint64_t sum = 0;

	for (int cpu = 0; cpu < (int)ebs_possible_cpus(); cpu++)
		sum += ebs_shared_u64(counter + cpu * step);
	return sum;
}

// Of a perf buffer the kernel reports all that had no room, and programs may have counted it too.
// What can't be read only the reader sees.
static uint64_t lost_events(const struct ebs_loss *loss)
{
	const struct ebs_map *map = loss->map;

	if (!map)
		return loss->counted;
	return (loss->counted < map->lost ? map->lost : loss->counted) + map->garbled;
}

void ebs_losses_read(struct ebs_object *object)
{
	const struct ebs_losses *losses = &object->losses;

	for (size_t i = 0; i < losses->count; i++) {
		struct ebs_loss *loss = &losses->list[i];

		if (i < losses->counters && losses->memory)
			loss->counted = read_counter(object, i);
		if (loss->kind == EBS_LOST_EVENTS)
			loss->count = lost_events(loss);
		else if (loss->kind == EBS_FAILED_UPDATES)
			loss->count = loss->counted;
		else if (loss->kind == EBS_FULL)
			loss->count = loss->map->full + loss->map->garbled;
		else if (loss->kind == EBS_UNKNOWN_EVENTS)
			loss->count = loss->map->unknown.count;
	}
}

void ebs_losses_look_for_full_maps(struct ebs_object *object)
{
	for (size_t i = 0; object->handle && i < object->map_count; i++) {
		struct ebs_map *map = &object->maps[i];

		if (map->watched && !map->full && map->max_entries <= COUNTED_ENTRIES &&
		    map->max_entries * ebs_map_value_bytes(map) <= COUNTED_BYTES)
			ebs_map_count(map, NULL); // the walk sees to it
	}
}

void ebs_losses_read_missed(struct ebs_object *object)
{
	struct ebs_losses *losses = &object->losses;

	for (size_t i = 0; object->handle && i < losses->count; i++)
		if (losses->list[i].program)
			losses->list[i].count = ebs_program_missed(losses->list[i].program);
}

struct ebs_loss *ebs_object_losses(const struct ebs_object *object, size_t *count)
{
	*count = object->losses.count;
	return object->losses.list;
}
