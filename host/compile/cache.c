// SPDX-License-Identifier: GPL-2.0-only
// The cache's entries: keys, reading, writing.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "compile/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "compile/cache_private.h"

#define MAGIC   "ebscript"
#define VERSION 1            // of the format below
#define LARGEST (64UL << 20) // bytes; no entry of ours comes near
#define FRESH   3600         // seconds within which one use is as good as another

// A file: this header, then the parts one behind the other.
struct header {
	char magic[8];
	uint32_t version;
	uint32_t parts;
	uint64_t sizes[EBS_CACHE_PARTS];
	uint64_t key[2];   // a file that was renamed by hand isn't taken for another
	uint64_t checksum; // XXH3 over the header with 0 here, and the parts
};

struct ebs_cache_hash {
	XXH3_state_t *state;
};

struct ebs_cache_hash *ebs_cache_hash_new(void)
{
	struct ebs_cache_hash *hash = malloc(sizeof(*hash));
	if (!hash)
		return NULL;
	hash->state = XXH3_createState();
	if (!hash->state) {
		free(hash);
		return NULL;
	}
	XXH3_128bits_reset(hash->state);
	return hash;
}

void ebs_cache_hash_add(struct ebs_cache_hash *hash, const void *data, size_t size)
{
	uint64_t length = size;

	XXH3_128bits_update(hash->state, &length, sizeof(length));
	XXH3_128bits_update(hash->state, data, size);
}

struct ebs_cache_key ebs_cache_hash_finish(struct ebs_cache_hash *hash)
{
	XXH128_hash_t digest = XXH3_128bits_digest(hash->state);

	XXH3_freeState(hash->state);
	free(hash);
	return (struct ebs_cache_key){ digest.high64, digest.low64 };
}

static void entry_name(struct ebs_cache_key key, char *name)
{
	snprintf(name, EBS_CACHE_NAME, "%016llx%016llx" EBS_CACHE_SUFFIX,
		 (unsigned long long)key.high, (unsigned long long)key.low);
}

static uint64_t checksum(const void *file, size_t size)
{
	struct header header;

	memcpy(&header, file, sizeof(header));
	header.checksum = 0;
	XXH64_hash_t seed = XXH3_64bits(&header, sizeof(header));
	return XXH3_64bits_withSeed((const char *)file + sizeof(header), size - sizeof(header),
				    seed);
}

// Points the entry's parts into the file's bytes. False when they aren't a whole entry of this key.
static bool parse(struct ebs_cache_key key, const char *file, size_t size,
		  struct ebs_cache_entry *entry)
{
	struct ebs_bytes left = ebs_bytes_of(file, size);
	struct header header;

	if (!ebs_bytes_copy(&left, &header, sizeof(header)) ||
	    memcmp(header.magic, MAGIC, sizeof(header.magic)) || header.version != VERSION ||
	    header.parts != EBS_CACHE_PARTS || header.key[0] != key.high ||
	    header.key[1] != key.low)
		return false;
	for (int i = 0; i < EBS_CACHE_PARTS; i++) {
		struct ebs_bytes part;

		if (!ebs_bytes_take(&left, header.sizes[i], &part))
			return false;
		entry->parts[i].data = (const char *)part.data;
		entry->parts[i].size = part.size;
	}
	return !left.size && header.checksum == checksum(file, size) &&
	       entry->parts[EBS_CACHE_OBJECT].size;
}

// The file's bytes, owned by the caller: a copy, which nobody changes between the check and the
// use. NULL when it is none that this user wrote.
static char *read_file(int fd, size_t *size, time_t *used)
{
	struct stat status;

	if (fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_uid != geteuid() ||
	    (status.st_mode & (S_IWGRP | S_IWOTH)) || status.st_size < 1 ||
	    (uint64_t)status.st_size > LARGEST)
		return NULL;
	*size = status.st_size;
	*used = status.st_mtim.tv_sec;
	char *data = malloc(*size);
	for (size_t done = 0; data && done < *size;) {
		ssize_t got = read(fd, data + done, *size - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			free(data);
			return NULL;
		}
		done += got;
	}
	return data;
}

// Nothing stays in the way of an entry that is made anew, as long as it can be removed at all.
static void discard(struct ebs_cache *cache, const char *name)
{
	if (unlinkat(cache->fd, name, 0) && errno == EISDIR)
		unlinkat(cache->fd, name, AT_REMOVEDIR);
}

bool ebs_cache_get(struct ebs_cache *cache, struct ebs_cache_key key, struct ebs_cache_entry *entry)
{
	char name[EBS_CACHE_NAME];
	size_t size = 0;
	time_t used = 0;

	*entry = (struct ebs_cache_entry){ 0 };
	entry_name(key, name);
	// O_NONBLOCK: a named pipe must not keep us waiting for a writer.
	int fd = openat(cache->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno != ELOOP)
		return false;
	char *data = fd < 0 ? NULL : read_file(fd, &size, &used);
	bool whole = data && parse(key, data, size, entry);
	if (whole) {
		if (llabs((long long)time(NULL) - used) > FRESH)
			futimens(fd, NULL); // it was used
		entry->memory = data;
	} else {
		free(data);
		discard(cache, name);
		*entry = (struct ebs_cache_entry){ 0 };
	}
	if (fd >= 0)
		close(fd);
	return whole;
}

void ebs_cache_entry_free(struct ebs_cache_entry *entry)
{
	free(entry->memory);
	*entry = (struct ebs_cache_entry){ 0 };
}

void ebs_cache_remove(struct ebs_cache *cache, struct ebs_cache_key key)
{
	char name[EBS_CACHE_NAME];

	entry_name(key, name);
	discard(cache, name);
}

// The file of an entry in one piece, owned by the caller.
static char *compose(struct ebs_cache_key key, const struct ebs_cache_entry *entry, size_t *size)
{
	struct header header = { .version = VERSION,
				 .parts = EBS_CACHE_PARTS,
				 .key = { key.high, key.low } };

	memcpy(header.magic, MAGIC, sizeof(header.magic));
	*size = sizeof(header);
	for (int i = 0; i < EBS_CACHE_PARTS; i++) {
		header.sizes[i] = entry->parts[i].size;
		*size += entry->parts[i].size;
	}
	char *file = malloc(*size);
	char *end = file;
	if (!file)
		return NULL;
	end = mempcpy(end, &header, sizeof(header));
	for (int i = 0; i < EBS_CACHE_PARTS; i++)
		if (entry->parts[i].size)
			end = mempcpy(end, entry->parts[i].data, entry->parts[i].size);
	header.checksum = checksum(file, *size);
	memcpy(file, &header, sizeof(header));
	return file;
}

// A name that no other process writes to, also none in another container that shares the folder.
static int unfinished_name(struct ebs_cache_key key, char *name)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -errno;
	snprintf(name, EBS_CACHE_NAME, "%016llx%016llx%016llx" EBS_CACHE_UNFINISHED,
		 (unsigned long long)key.high, (unsigned long long)key.low,
		 (unsigned long long)number);
	return 0;
}

static int write_file(struct ebs_cache *cache, const char *name, const char *unfinished,
		      const char *data, size_t size)
{
	int fd = openat(cache->fd, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	if (fd < 0)
		return -errno;
	int result = ebs_write_all(fd, data, size);
	if (close(fd) && !result)
		result = -errno;
	if (!result && renameat(cache->fd, unfinished, cache->fd, name))
		result = -errno;
	if (result)
		unlinkat(cache->fd, unfinished, 0);
	return result;
}

int ebs_cache_put(struct ebs_cache *cache, struct ebs_cache_key key,
		  const struct ebs_cache_entry *entry, struct ebs_error *error)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction old;
	char name[EBS_CACHE_NAME];
	char unfinished[EBS_CACHE_NAME];
	size_t size;
	char *file = compose(key, entry, &size);
	int result = file ? unfinished_name(key, unfinished) : -ENOMEM;

	entry_name(key, name);
	if (!result) {
		sigaction(SIGXFSZ, &ignore,
			  &old); // a limit on the size of files is no reason to end
		result = write_file(cache, name, unfinished, file, size);
		sigaction(SIGXFSZ, &old, NULL);
	}
	free(file);
	if (result)
		return ebs_error_errno(error, result,
				       "an entry of the cache in %s can't be written", cache->path);
	return ebs_cache_trim(cache, EBS_CACHE_LIMIT, error);
}
