// SPDX-License-Identifier: GPL-2.0-only
// Which of the functions that a name could mean it does mean; and if that is open, the choices.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "binary/demangle.h"
#include "binary/lookup_private.h"

#define CHOICES_SHOWN 6

bool ebs_is_glob(const char *name)
{
	return strpbrk(name, "*?[");
}

int ebs_candidates_add(struct ebs_candidates *candidates, uint32_t wanted, enum ebs_rank rank,
		       const struct ebs_symbol *symbol)
{
	if (candidates->count == candidates->capacity) {
		uint32_t capacity = candidates->capacity ? candidates->capacity * 2 : 64;
		struct ebs_candidate *items =
			reallocarray(candidates->items, capacity, sizeof(*items));
		if (!items)
			return -ENOMEM;
		candidates->items = items;
		candidates->capacity = capacity;
	}
	struct ebs_candidate *one = &candidates->items[candidates->count];

	*one = (struct ebs_candidate){
		.wanted = wanted,
		.rank = rank,
		.offset = symbol->offset,
		.order = candidates->count,
		.is_default = symbol->is_default,
		.is_resolver = symbol->is_resolver,
		.name = strdup(symbol->name),
		.version = symbol->version ? strdup(symbol->version) : NULL,
	};
	candidates->count++;
	return one->name && (one->version || !symbol->version) ? 0 : -ENOMEM;
}

void ebs_candidates_free(struct ebs_candidates *candidates)
{
	for (uint32_t i = 0; i < candidates->count; i++) {
		free(candidates->items[i].name);
		free(candidates->items[i].version);
	}
	free(candidates->items);
}

// By name, rank and place. Of one place the default version comes first, then what was found first.
static int compare(const void *a, const void *b)
{
	const struct ebs_candidate *one = a, *other = b;

	if (one->wanted != other->wanted)
		return one->wanted < other->wanted ? -1 : 1;
	if (one->rank != other->rank)
		return one->rank < other->rank ? -1 : 1;
	if (one->offset != other->offset)
		return one->offset < other->offset ? -1 : 1;
	if (one->is_default != other->is_default)
		return one->is_default ? -1 : 1;
	if (!one->version != !other->version)
		return one->version ? -1 : 1;
	return one->order < other->order ? -1 : 1;
}

// Keeps one candidate a place. Returns how many are left of `count`.
static uint32_t drop_doubles(struct ebs_candidate *items, uint32_t count)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (kept && items[kept - 1].offset == items[i].offset)
			continue;
		struct ebs_candidate other = items[kept];
		items[kept++] = items[i];
		items[i] = other; // whose texts are freed with all
	}
	return kept;
}

// The one with the default version, if only one has it; else `items` when there is no other.
static const struct ebs_candidate *find_meant(const struct ebs_candidate *items, uint32_t count)
{
	const struct ebs_candidate *meant = NULL;

	if (count == 1)
		return items;
	for (uint32_t i = 0; i < count; i++) {
		if (!items[i].is_default)
			continue;
		if (meant)
			return NULL;
		meant = &items[i];
	}
	return meant;
}

static bool is_versioned(const struct ebs_candidate *items, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!items[i].version)
			return false;
	return true;
}

// Whether the demangled names tell the candidates apart.
static bool differ(char *const *names, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t other = 0; other < i; other++)
			if (!names[i] || !names[other] || strcmp(names[i], names[other]) == 0)
				return false;
	return true;
}

// Writes the choices as what the script can give in the name's place.
static int refuse_several(const char *file, const char *name, const struct ebs_candidate *items,
			  uint32_t count, struct ebs_error *error)
{
	uint32_t shown = count < CHOICES_SHOWN ? count : CHOICES_SHOWN;
	bool by_version = is_versioned(items, count);
	bool by_source = items->rank == EBS_RANK_SOURCE;
	char *names[CHOICES_SHOWN] = { NULL };
	struct ebs_buffer choices = { 0 };

	for (uint32_t i = 0; by_source && i < shown; i++)
		names[i] = ebs_demangle(items[i].name, EBS_NAME_WHOLE);
	bool apart = by_source && differ(names, shown);
	for (uint32_t i = 0; i < shown; i++) {
		ebs_buffer_append_string(&choices, i ? ", " : "");
		if (apart)
			ebs_buffer_printf(&choices, "\"%s\"", names[i]);
		else if (by_source)
			ebs_buffer_printf(&choices, "\"%s\"", items[i].name);
		else if (by_version)
			ebs_buffer_printf(&choices, "\"%s@%s\"", items[i].name, items[i].version);
		else
			ebs_buffer_printf(&choices, "offset = 0x%" PRIx64, items[i].offset);
		free(names[i]);
	}
	if (count > shown)
		ebs_buffer_printf(&choices, " and %" PRIu32 " more", count - shown);
	int result = ebs_error_set(
		error, "EINVAL", "%s has %" PRIu32 " functions \"%s\": %s%s", file, count, name,
		apart || by_source || by_version ? "name one, " : "give one by its place, ",
		choices.failed ? "" : choices.data);
	ebs_buffer_free(&choices);
	return result;
}

static int append(struct ebs_places *places, const struct ebs_candidate *candidate, bool chosen,
		  const char *file, struct ebs_error *error)
{
	if (places->count == places->capacity) {
		uint32_t capacity = places->capacity ? places->capacity * 2 : 16;
		struct ebs_place *items = reallocarray(places->items, capacity, sizeof(*items));
		if (!items)
			return ebs_error_errno(error, ENOMEM, "can't find the functions of %s",
					       file);
		places->items = items;
		places->capacity = capacity;
	}
	char *name = ebs_demangle(candidate->name, EBS_NAME_NO_RESULT);
	if (!name)
		name = strdup(candidate->name);
	if (!name)
		return ebs_error_errno(error, ENOMEM, "can't find the functions of %s", file);
	places->items[places->count++] = (struct ebs_place){ .name = name,
							     .offset = candidate->offset,
							     .is_chosen = chosen };
	return 0;
}

static int choose_one(const struct ebs_candidate *items, uint32_t count, const char *file,
		      const char *name, struct ebs_places *places, struct ebs_error *error)
{
	const struct ebs_candidate *meant = find_meant(items, count);

	if (!meant)
		return refuse_several(file, name, items, count, error);
	if (meant->is_resolver)
		return ebs_error_explain(
			error, ENOENT,
			"\"%s\" of %s has variants for different CPUs, and its symbol "
			"is only what chooses one when a program starts (IFUNC): probe the "
			"variant by its own name or offset, or a function that calls it",
			name, file);
	return append(places, meant, false, file, error);
}

static int choose_all(const struct ebs_candidate *items, uint32_t count, const char *file,
		      const char *glob, struct ebs_places *places, struct ebs_error *error)
{
	uint32_t before = places->count;
	int result = 0;

	for (uint32_t i = 0; !result && i < count; i++)
		if (!items[i].is_resolver)
			result = append(places, &items[i], true, file, error);
	return result || places->count > before
		       ? result
		       : ebs_error_explain(error, ENOENT,
					   "%s has no function \"%s\" that could be probed (only "
					   "IFUNCs)",
					   file, glob);
}

static int compare_offsets(const void *a, const void *b)
{
	const struct ebs_place *one = *(struct ebs_place *const *)a;
	const struct ebs_place *other = *(struct ebs_place *const *)b;

	if (one->offset != other->offset)
		return one->offset < other->offset ? -1 : 1;
	return one < other ? -1 : one > other;
}

// Of a place that several names mean the first stays.
static int drop_double_places(struct ebs_places *places)
{
	struct ebs_place **sorted = calloc(places->count + 1, sizeof(*sorted));
	uint32_t kept = 0;

	if (!sorted)
		return -ENOMEM;
	for (uint32_t i = 0; i < places->count; i++)
		sorted[i] = &places->items[i];
	qsort(sorted, places->count, sizeof(*sorted), compare_offsets);
	for (uint32_t i = 1, first = 0; i < places->count; i++) {
		if (sorted[i]->offset != sorted[first]->offset) {
			first = i;
			continue;
		}
		sorted[first]->is_chosen &= sorted[i]->is_chosen;
		free(sorted[i]->name);
		sorted[i]->name = NULL;
	}
	free(sorted);
	for (uint32_t i = 0; i < places->count; i++)
		if (places->items[i].name)
			places->items[kept++] = places->items[i];
	places->count = kept;
	return 0;
}

int ebs_candidates_choose(struct ebs_candidates *candidates, const char *file,
			  const char *const *names, struct ebs_places *places,
			  struct ebs_error *error)
{
	struct ebs_candidate *items = candidates->items;
	uint32_t end;
	int result = 0;

	qsort(items, candidates->count, sizeof(*items), compare);
	for (uint32_t i = 0; !result && i < candidates->count; i = end) {
		uint32_t wanted = items[i].wanted, same_rank = i;

		for (end = i; end < candidates->count && items[end].wanted == wanted; end++)
			same_rank += items[end].rank == items[i].rank;
		uint32_t count = drop_doubles(&items[i], same_rank - i);
		result = items[i].rank == EBS_RANK_GLOB
				 ? choose_all(&items[i], count, file, names[wanted], places, error)
				 : choose_one(&items[i], count, file, names[wanted], places, error);
	}
	if (!result && drop_double_places(places))
		result = ebs_error_errno(error, ENOMEM, "can't find the functions of %s", file);
	return result;
}
