// SPDX-License-Identifier: GPL-2.0-only
// Compiled objects, kept in a folder and found by what they were compiled from.
#ifndef EBS_COMPILE_CACHE_H
#define EBS_COMPILE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ebs_cache;

// The parts of an entry: bytes that the cache keeps together and doesn't look into.
enum ebs_cache_part {
	EBS_CACHE_OBJECT,   // the ELF object
	EBS_CACHE_BTF,      // the part of the kernel's BTF that its relocations need; may be empty
	EBS_CACHE_IDS,      // the ids of what its programs attach to by BTF; may be empty
	EBS_CACHE_MESSAGES, // the compiler's warnings; may be empty
	EBS_CACHE_MODULES,  // where that matters: which modules were loaded; may be empty
	EBS_CACHE_PARTS,
};

// All parts lie in one allocation; freed with ebs_cache_entry_free().
struct ebs_cache_entry {
	struct {
		const char *data;
		size_t size;
	} parts[EBS_CACHE_PARTS];
	void *memory; // NULL while the parts are somebody else's
};

// What an entry is found by: a 128-bit hash (XXH3) over everything that reaches the compiler.
struct ebs_cache_key {
	uint64_t high;
	uint64_t low;
};
struct ebs_cache_hash;
struct ebs_cache_hash *ebs_cache_hash_new(void); // NULL out of memory
// Adds one item. Its length counts, so that "ab", "c" and "a", "bc" differ.
void ebs_cache_hash_add(struct ebs_cache_hash *hash, const void *data, size_t size);
// Frees the hash.
struct ebs_cache_key ebs_cache_hash_finish(struct ebs_cache_hash *hash);

// Opens the folder `path`, or with NULL the user's own: /var/cache/ebscript for root, else ebscript
// below XDG_CACHE_HOME or ~/.cache. Makes it, private, when it isn't there. NULL with `error`
// filled where the folder can't be trusted: a link, another owner, or others may write into it.
struct ebs_cache *ebs_cache_open(const char *path, struct ebs_error *error);
void ebs_cache_close(struct ebs_cache *cache);

// Reads an entry. True when there is a whole one; a damaged one is removed.
bool ebs_cache_get(struct ebs_cache *cache, struct ebs_cache_key key,
		   struct ebs_cache_entry *entry);
// Removes an entry that turned out to be of no use.
void ebs_cache_remove(struct ebs_cache *cache, struct ebs_cache_key key);
void ebs_cache_entry_free(struct ebs_cache_entry *entry);

// Writes an entry, by a private file that is renamed into place, so that a reader never sees half
// of one. Then removes the entries that weren't used for the longest time until all are below the
// limit of EBS_CACHE_LIMIT bytes. Returns 0, or -errno with `error` filled.
#define EBS_CACHE_LIMIT (256UL << 20)
int ebs_cache_put(struct ebs_cache *cache, struct ebs_cache_key key,
		  const struct ebs_cache_entry *entry, struct ebs_error *error);

// Removes what ebs_cache_put() wrote until at most `limit` bytes are left, and its unfinished files
// that are older than an hour (all of them when `limit` is 0). Returns 0 or -errno with `error`
// filled.
int ebs_cache_trim(struct ebs_cache *cache, uint64_t limit, struct ebs_error *error);

// The folder, for messages.
const char *ebs_cache_path(const struct ebs_cache *cache);

#endif
