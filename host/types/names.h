// SPDX-License-Identifier: GPL-2.0-only
// A set of names with flags, made to be asked for a great many names that are not in it.
#ifndef EBS_TYPES_NAMES_H
#define EBS_TYPES_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ebs_name {
	const char *text; // NULL: a free slot; not followed by a NUL
	uint32_t length;
	uint32_t hash;
	uint32_t flags; // the user's
};

// Start with { 0 }. Out of memory is remembered in `failed`.
struct ebs_names {
	struct ebs_name *slots; // `capacity`, a power of two, at least half of them free
	size_t capacity;
	size_t count;
	uint64_t filter[64]; // a bit for how names of the set begin
	bool failed;
};

// Adds the name, or only the flags when it is there. The text is referred to, not copied.
void ebs_names_add(struct ebs_names *names, const char *text, size_t length, uint32_t flags);

// NULL when it isn't there.
struct ebs_name *ebs_names_find(const struct ebs_names *names, const char *text);
struct ebs_name *ebs_names_find_part(const struct ebs_names *names, const char *text,
				     size_t length);
void ebs_names_free(struct ebs_names *names);

#endif
