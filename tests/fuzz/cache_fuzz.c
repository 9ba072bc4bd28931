// SPDX-License-Identifier: GPL-2.0-only
// Any bytes as a file of the cache. The first one says whether the key and the checksum are made
// right, or no input would ever get behind them.
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

// For the file's format, which is nobody else's business.
#include "compile/cache.c" // NOLINT

static const struct ebs_cache_key key = { 0x0123456789abcdef, 0xfedcba9876543210 };
static char folder[] = "/tmp/ebs-fuzz-cache-XXXXXX";
static struct ebs_cache *cache;

static void remove_folder(void)
{
	ebs_cache_trim(cache, 0, NULL);
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	MUST(mkdtemp(folder));
	cache = ebs_cache_open(folder, NULL);
	MUST(cache);
	atexit(remove_folder);
	return 0;
}

static void put_file(const void *data, size_t size)
{
	char name[EBS_CACHE_NAME];

	entry_name(key, name);
	int fd = openat(cache->fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	MUST(fd >= 0 && !ebs_write_all(fd, data, size) && !close(fd));
}

// The entry's parts lie inside of its memory, one behind the other.
static void check_entry(const struct ebs_cache_entry *entry, size_t size)
{
	const char *begin = entry->memory;
	size_t total = sizeof(struct header);

	MUST(begin && entry->parts[EBS_CACHE_OBJECT].size);
	for (int i = 0; i < EBS_CACHE_PARTS; i++) {
		MUST(entry->parts[i].data == begin + total);
		MUST(entry->parts[i].size <= size - total);
		total += entry->parts[i].size;
	}
	MUST(total == size);
	unsigned sum = 0;
	for (size_t i = sizeof(struct header); i < total; i++)
		sum += (unsigned char)begin[i]; // all of it can be read
	MUST(sum <= 255 * total);
}

// What was read can be written, and is the same then.
static void check_copy(const struct ebs_cache_entry *entry)
{
	struct ebs_cache_entry copy;

	MUST(!ebs_cache_put(cache, key, entry, NULL));
	MUST(ebs_cache_get(cache, key, &copy));
	for (int i = 0; i < EBS_CACHE_PARTS; i++)
		MUST(copy.parts[i].size == entry->parts[i].size &&
		     memcmp(copy.parts[i].data, entry->parts[i].data, copy.parts[i].size) == 0);
	ebs_cache_entry_free(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ebs_cache_entry entry;
	struct choices choices = { data, size };
	int mode = choose(&choices, 1) % 4;
	char *file = malloc(choices.size + 1);

	MUST(file);
	size = choices.size;
	memcpy(file, choices.data, size);
	if (mode > 0 && size >= sizeof(struct header)) {
		struct header header;

		memcpy(&header, file, sizeof(header));
		memcpy(header.magic, MAGIC, sizeof(header.magic));
		header.version = VERSION;
		header.parts = EBS_CACHE_PARTS;
		header.key[0] = key.high;
		header.key[1] = key.low;
		for (int i = 0; mode > 1 && i < EBS_CACHE_PARTS; i++)
			header.sizes[i] %= size;
		if (mode > 2) { // what is left goes to the object
			uint64_t rest = size - sizeof(header);
			for (int i = 1; i < EBS_CACHE_PARTS; i++) {
				header.sizes[i] = header.sizes[i] > rest ? rest : header.sizes[i];
				rest -= header.sizes[i];
			}
			header.sizes[0] = rest;
		}
		memcpy(file, &header, sizeof(header));
		header.checksum = checksum(file, size);
		memcpy(file, &header, sizeof(header));
	}
	put_file(file, size);
	free(file);
	bool whole = ebs_cache_get(cache, key, &entry);
	if (whole) {
		check_entry(&entry, size);
		check_copy(&entry);
		ebs_cache_entry_free(&entry);
	} else {
		char name[EBS_CACHE_NAME];

		entry_name(key, name); // a damaged one is in nobody's way
		MUST(faccessat(cache->fd, name, F_OK, 0));
	}
	return 0;
}
