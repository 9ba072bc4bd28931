// SPDX-License-Identifier: GPL-2.0-only
// What C can do at best with the maps of `bench maps`: maps_c HASH DRAINED ARRAY ENTRIES, then
// commands on standard input.
#include <stdbool.h>
#include <sys/mman.h>

#include "maps.h"

static uint64_t keys[BATCH];
static struct value values[BATCH];

static void fill(int map, uint64_t entries)
{
	for (uint64_t key = 0; key < entries;) {
		uint32_t count = 0;

		while (count < BATCH && key < entries) {
			keys[count] = key;
			values[count++] = (struct value){ key, 1 };
			key++;
		}
		if (bpf_map_update_batch(map, keys, values, &count, NULL))
			err(1, "bpf_map_update_batch");
	}
	answer(entries, 0, 0);
}

static void fill_array(int map, uint64_t entries)
{
	for (uint32_t key = 0; key < entries; key++) {
		struct value value = { key, 1 };

		if (bpf_map_update_elem(map, &key, &value, BPF_ANY))
			err(1, "bpf_map_update_elem");
	}
	answer(entries, 0, 0);
}

static void walk_batches(int map, bool drain)
{
	uint64_t start = now();
	uint64_t entries = 0;
	uint64_t sum = 0;
	uint64_t position;
	void *from = NULL;
	int result;

	do {
		uint32_t count = BATCH;

		result = drain ? bpf_map_lookup_and_delete_batch(map, from, &position, keys, values,
								 &count, NULL)
			       : bpf_map_lookup_batch(map, from, &position, keys, values, &count,
						      NULL);
		if (result && errno != ENOENT)
			err(1, "batch");
		for (uint32_t i = 0; i < count; i++)
			sum += values[i].count;
		entries += count;
		from = &position;
	} while (!result);
	answer(entries, now() - start, sum);
}

static void walk_keys(int map)
{
	uint64_t start = now();
	uint64_t entries = 0;
	uint64_t sum = 0;
	uint64_t key;
	uint64_t next;
	struct value value;

	for (void *from = NULL; !bpf_map_get_next_key(map, from, &next); from = &key) {
		key = next;
		if (bpf_map_lookup_elem(map, &key, &value))
			err(1, "bpf_map_lookup_elem");
		sum += value.count;
		entries++;
	}
	answer(entries, now() - start, sum);
}

static void walk_memory(int map, uint64_t entries)
{
	uint64_t start = now();
	size_t size = entries * sizeof(struct value);
	const struct value *array = mmap(NULL, size, PROT_READ, MAP_SHARED, map, 0);
	uint64_t sum = 0;

	if (array == MAP_FAILED)
		err(1, "mmap");
	for (uint64_t i = 0; i < entries; i++)
		sum += ((const volatile struct value *)array)[i].count;
	munmap((void *)array, size);
	answer(entries, now() - start, sum);
}

int main(int argc, char **argv)
{
	char line[64];

	if (argc != 5)
		errx(2, "usage: maps_c HASH DRAINED ARRAY ENTRIES");
	int hash = open_map(argv[1]);
	int drained = open_map(argv[2]);
	int array = open_map(argv[3]);
	uint64_t entries = strtoull(argv[4], NULL, 10);

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "fill hash") == 0)
			fill(hash, entries);
		else if (strcmp(line, "fill drained") == 0)
			fill(drained, entries);
		else if (strcmp(line, "fill array") == 0)
			fill_array(array, entries);
		else if (strcmp(line, "batch") == 0)
			walk_batches(hash, false);
		else if (strcmp(line, "drain") == 0)
			walk_batches(drained, true);
		else if (strcmp(line, "array batch") == 0)
			walk_batches(array, false);
		else if (strcmp(line, "next_key") == 0)
			walk_keys(hash);
		else if (strcmp(line, "array mmap") == 0)
			walk_memory(array, entries);
		else
			errx(2, "unknown command '%s'", line);
	}
	return 0;
}
