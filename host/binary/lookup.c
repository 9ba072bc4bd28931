// SPDX-License-Identifier: GPL-2.0-only
// From the names of functions, as people write them, to places in a file: what each could mean.
#include "binary/lookup.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "binary/demangle.h"
#include "binary/lookup_private.h"
#include "binary/symbols.h"

#define FEW_KEYS 8

// A text that a symbol's name can be equal to, and which of the names it is.
struct key {
	char *text;
	const char *version; // that it must have, or NULL
	uint32_t wanted;
};

struct search {
	const char *const *names;
	uint32_t count;
	struct key *keys; // in order
	uint32_t key_count;
	bool *found;    // for each name: it has candidates
	bool has_globs; // among those that have none
	struct ebs_candidates candidates;
	bool failed; // memory
};

static int compare_keys(const void *a, const void *b)
{
	return strcmp(((const struct key *)a)->text, ((const struct key *)b)->text);
}

// The first of the keys with that text, or the end.
static const struct key *first_key(const struct search *search, const char *text)
{
	uint32_t low = 0, high = search->key_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (strcmp(search->keys[middle].text, text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return &search->keys[low];
}

static bool is_last(const struct search *search, const struct key *key)
{
	return key == search->keys + search->key_count;
}

static void free_keys(struct search *search)
{
	for (uint32_t i = 0; i < search->key_count; i++)
		free(search->keys[i].text);
	search->key_count = 0;
}

static void add_key(struct search *search, char *text, const char *version, uint32_t wanted)
{
	search->failed |= !text;
	if (text)
		search->keys[search->key_count++] = (struct key){ text, version, wanted };
}

// Names as symbol tables have them: whole, and what stands before "@VERSION" or "@@VERSION".
static void make_exact_keys(struct search *search)
{
	free_keys(search);
	for (uint32_t i = 0; i < search->count; i++) {
		const char *name = search->names[i];
		const char *at = *name ? strchr(name + 1, '@') : NULL;

		if (search->found[i])
			continue;
		if (at)
			add_key(search, strndup(name, (size_t)(at - name)), at + strspn(at, "@"),
				i);
		else
			add_key(search, strdup(name), NULL, i);
	}
	qsort(search->keys, search->key_count, sizeof(*search->keys), compare_keys);
}

static void make_source_keys(struct search *search)
{
	free_keys(search);
	for (uint32_t i = 0; i < search->count; i++) {
		if (search->found[i])
			continue;
		char *name = strdup(search->names[i]);
		if (name)
			ebs_name_normalize(name);
		add_key(search, name, NULL, i);
	}
	qsort(search->keys, search->key_count, sizeof(*search->keys), compare_keys);
}

static void add(struct search *search, uint32_t wanted, enum ebs_rank rank,
		const struct ebs_symbol *symbol)
{
	if (ebs_candidates_add(&search->candidates, wanted, rank, symbol))
		search->failed = true;
}

static int visit_exact(void *context, const struct ebs_symbol *symbol)
{
	struct search *search = context;

	for (const struct key *key = first_key(search, symbol->name);
	     !is_last(search, key) && strcmp(key->text, symbol->name) == 0; key++)
		if (!key->version ||
		    (symbol->version && strcmp(key->version, symbol->version) == 0))
			add(search, key->wanted, EBS_RANK_EXACT, symbol);
	return search->failed ? -ENOMEM : 0;
}

static void match_globs(struct search *search, const char *name, const struct ebs_symbol *symbol)
{
	for (uint32_t i = 0; i < search->count; i++)
		if (!search->found[i] && ebs_is_glob(search->names[i]) &&
		    fnmatch(search->names[i], name, 0) == 0)
			add(search, i, EBS_RANK_GLOB, symbol);
}

static void match_keys(struct search *search, const char *name, const struct ebs_symbol *symbol)
{
	for (const struct key *key = first_key(search, name);
	     !is_last(search, key) && strcmp(key->text, name) == 0; key++)
		add(search, key->wanted, EBS_RANK_SOURCE, symbol);
}

// Every form of a name has the short one in it, which costs least to make.
static bool may_match(const struct search *search, const char *short_name)
{
	if (search->has_globs || search->key_count > FEW_KEYS)
		return true;
	for (uint32_t i = 0; i < search->key_count; i++)
		if (strstr(search->keys[i].text, short_name))
			return true;
	return false;
}

static int visit_others(void *context, const struct ebs_symbol *symbol)
{
	static const enum ebs_name_form longer[] = { EBS_NAME_WHOLE, EBS_NAME_NO_RESULT };
	struct search *search = context;
	char *name = ebs_demangle(symbol->name, EBS_NAME_SHORT);

	match_globs(search, symbol->name, symbol);
	if (name)
		ebs_name_normalize(name);
	bool more = name && may_match(search, name);
	if (name)
		match_keys(search, name, symbol);
	free(name);
	for (size_t i = 0; more && i < sizeof(longer) / sizeof(longer[0]); i++) {
		name = ebs_demangle(symbol->name, longer[i]);
		if (!name)
			break;
		match_globs(search, name, symbol);
		ebs_name_normalize(name);
		match_keys(search, name, symbol);
		free(name);
	}
	return search->failed ? -ENOMEM : 0;
}

// Whether some name means nothing yet.
static bool mark_found(struct search *search)
{
	bool missing = false;

	for (uint32_t i = 0; i < search->candidates.count; i++)
		search->found[search->candidates.items[i].wanted] = true;
	for (uint32_t i = 0; i < search->count; i++)
		missing |= !search->found[i];
	return missing;
}

static bool has_globs(const struct search *search)
{
	for (uint32_t i = 0; i < search->count; i++)
		if (!search->found[i] && ebs_is_glob(search->names[i]))
			return true;
	return false;
}

// What costs most comes last: other files, names that have to be demangled. A glob's functions are
// those of all tables.
static void search_all(struct search *search, struct ebs_binary *binary)
{
	make_exact_keys(search);
	ebs_symbols_visit(binary, EBS_TABLES_OWN, visit_exact, search);
	if (search->failed || !mark_found(search))
		return;
	make_exact_keys(search);
	ebs_symbols_visit(binary, EBS_TABLES_DEBUG, visit_exact, search);
	if (search->failed || !mark_found(search))
		return;
	make_source_keys(search);
	search->has_globs = has_globs(search);
	ebs_symbols_visit(binary, EBS_TABLES_OWN, visit_others, search);
	if (!search->failed && (search->has_globs || mark_found(search)))
		ebs_symbols_visit(binary, EBS_TABLES_DEBUG, visit_others, search);
	mark_found(search);
}

static int offer(void *context, const struct ebs_symbol *symbol)
{
	struct ebs_near *near = context;
	char *name = ebs_demangle(symbol->name, EBS_NAME_NO_RESULT);

	ebs_near_offer(near, symbol->name);
	if (name)
		ebs_near_offer(near, name);
	free(name);
	return 0;
}

static int refuse_missing(struct ebs_binary *binary, const char *name, struct ebs_error *error)
{
	struct ebs_near near;

	ebs_near_begin(&near, name, strlen(name));
	ebs_symbols_visit(binary, EBS_TABLES_OWN, offer, &near);
	ebs_symbols_visit(binary, EBS_TABLES_DEBUG, offer, &near);
	return ebs_error_explain(error, ENOENT, "%s has no function \"%s\" in its symbol tables%s",
				 ebs_binary_name(binary), name, ebs_near_text(&near));
}

int ebs_places_find(struct ebs_binary *binary, const char *const *names, uint32_t count,
		    struct ebs_places *places, struct ebs_error *error)
{
	struct search search = {
		.names = names,
		.count = count,
		.keys = calloc(count, sizeof(*search.keys)),
		.found = calloc(count, sizeof(*search.found)),
	};
	int result = 0;

	search.failed = !search.keys || !search.found;
	if (!search.failed)
		search_all(&search, binary);
	if (search.failed)
		result = ebs_error_errno(error, ENOMEM, "can't find the functions of %s",
					 ebs_binary_name(binary));
	for (uint32_t i = 0; !result && i < count; i++)
		if (!search.found[i])
			result = refuse_missing(binary, names[i], error);
	if (!result)
		result = ebs_candidates_choose(&search.candidates, ebs_binary_name(binary), names,
					       places, error);
	free_keys(&search);
	free(search.keys);
	free(search.found);
	ebs_candidates_free(&search.candidates);
	return result;
}

void ebs_places_free(struct ebs_places *places)
{
	for (uint32_t i = 0; i < places->count; i++)
		free(places->items[i].name);
	free(places->items);
	*places = (struct ebs_places){ 0 };
}
