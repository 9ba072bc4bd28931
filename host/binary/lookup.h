// SPDX-License-Identifier: GPL-2.0-only
// From the names of functions, as people write them, to places in a file.
#ifndef EBS_BINARY_LOOKUP_H
#define EBS_BINARY_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "binary/file.h"

struct ebs_place {
	char *name;      // one that the function has
	uint64_t offset; // bytes from the file's start
	bool is_chosen;  // by a glob: nobody named it
};

// Start with { 0 }.
struct ebs_places {
	struct ebs_place *items;
	uint32_t count;
	uint32_t capacity;
};

// Finds what `count` names and globs mean, in their order, and those of a glob in the file's. No
// place comes twice. A name is looked for as it is, which may be NAME@VERSION; then as one of C++,
// Rust or D, with or without its result and parameters; then as a glob, over both kinds of names.
// Of several places the one with the default version counts. Returns 0, or a negative errno with
// `error` filled: a name means nothing, or several places, or what can't be probed (IFUNC).
int ebs_places_find(struct ebs_binary *binary, const char *const *names, uint32_t count,
		    struct ebs_places *places, struct ebs_error *error);

void ebs_places_free(struct ebs_places *places);

#endif
