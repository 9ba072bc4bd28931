// SPDX-License-Identifier: GPL-2.0-only
// What names could mean, and which of it counts.
#ifndef EBS_BINARY_LOOKUP_PRIVATE_H
#define EBS_BINARY_LOOKUP_PRIVATE_H

#include "binary/lookup.h"
#include "binary/symbols.h"

// How a name means a function. The lowest that a name has counts.
enum ebs_rank { EBS_RANK_EXACT, EBS_RANK_SOURCE, EBS_RANK_GLOB };

struct ebs_candidate {
	uint32_t wanted; // which of the names
	enum ebs_rank rank;
	uint64_t offset;
	uint32_t order; // in which it was found
	bool is_default;
	bool is_resolver;
	char *name;
	char *version; // or NULL
};

struct ebs_candidates {
	struct ebs_candidate *items;
	uint32_t count;
	uint32_t capacity;
};

// Whether a name that no function has can mean several.
bool ebs_is_glob(const char *name);

// Returns 0 or -ENOMEM.
int ebs_candidates_add(struct ebs_candidates *candidates, uint32_t wanted, enum ebs_rank rank,
		       const struct ebs_symbol *symbol);

// Appends the place that each name means, all of a glob's. Returns 0, or a negative errno with
// `error` filled.
int ebs_candidates_choose(struct ebs_candidates *candidates, const char *file,
			  const char *const *names, struct ebs_places *places,
			  struct ebs_error *error);

void ebs_candidates_free(struct ebs_candidates *candidates);

#endif
