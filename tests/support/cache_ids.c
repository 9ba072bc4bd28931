// SPDX-License-Identifier: GPL-2.0-only
// Prints the attach ids in the only entry of a cache, or replaces them, checksum and all:
//   cache_ids FOLDER [ID...]
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/cache.h"

static int find_key(const char *folder, struct ebs_cache_key *key)
{
	DIR *files = opendir(folder);
	struct dirent *file;
	unsigned long long high, low;
	int count = 0;

	while (files && (file = readdir(files)))
		if (sscanf(file->d_name, "%16llx%16llx.ebs", &high, &low) == 2 && ++count)
			*key = (struct ebs_cache_key){ high, low };
	if (files)
		closedir(files);
	return count;
}

int main(int argc, char **argv)
{
	struct ebs_cache *cache = argc > 1 ? ebs_cache_open(argv[1], NULL) : NULL;
	struct ebs_cache_entry entry;
	struct ebs_cache_key key;

	if (!cache || find_key(argv[1], &key) != 1 || !ebs_cache_get(cache, key, &entry)) {
		fprintf(stderr, "cache_ids: no single entry\n");
		return 1;
	}
	size_t count = entry.parts[EBS_CACHE_IDS].size / sizeof(uint32_t);
	uint32_t *ids = calloc(count + 1, sizeof(*ids));
	if (count)
		memcpy(ids, entry.parts[EBS_CACHE_IDS].data, count * sizeof(*ids));
	for (size_t i = 0; i < count; i++) {
		if (argc > 2 + (int)i)
			ids[i] = (uint32_t)strtoul(argv[2 + i], NULL, 10);
		printf("%u\n", ids[i]);
	}
	entry.parts[EBS_CACHE_IDS].data = (const char *)ids;
	int result = argc > 2 ? ebs_cache_put(cache, key, &entry, NULL) : 0;
	free(ids);
	ebs_cache_entry_free(&entry);
	ebs_cache_close(cache);
	return result ? 1 : 0;
}
