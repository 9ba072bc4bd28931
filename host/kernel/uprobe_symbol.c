// SPDX-License-Identifier: GPL-2.0-only
// Functions of executables and libraries, by the names that people know them by.
#include "kernel/uprobe_symbol.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "binary/symbols.h"

bool ebs_is_demangled(const char *name)
{
	return strstr(name, "::") || strchr(name, '(');
}

struct match {
	const char *wanted;
	size_t length;
	uint64_t offset;
	char first[256]; // that was found
	char other[256]; // at another place
};

static int compare(void *context, const struct ebs_symbol *symbol)
{
	struct match *match = context;
	const char *name = symbol->demangled;

	// Rust's names end with a hash, C++'s with the parameters.
	if (!name || strncmp(name, match->wanted, match->length) ||
	    (name[match->length] && name[match->length] != '(' &&
	     strncmp(name + match->length, "::h", 3)))
		return 0;
	if (!*match->first) {
		match->offset = symbol->offset;
		snprintf(match->first, sizeof(match->first), "%s", name);
	} else if (match->offset != symbol->offset && !*match->other) {
		snprintf(match->other, sizeof(match->other), "%s", name);
	}
	return 0;
}

int ebs_find_demangled(const char *path, const char *name, uint64_t *offset,
		       struct ebs_error *error)
{
	struct match match = { .wanted = name, .length = strlen(name) };
	int result = ebs_functions_visit(path, compare, &match, error);

	if (result)
		return result;
	if (!*match.first)
		return ebs_refuse_symbol(path, name, error);
	if (*match.other)
		return ebs_error_set(
			error, "EINVAL",
			"%s has several functions \"%s\": %s and %s, for two; name one "
			"with its parameters",
			path, name, match.first, match.other);
	*offset = match.offset;
	return 0;
}

struct search {
	struct ebs_near near;
	bool is_resolver; // there is that name, of something else
};

static int offer(void *context, const struct ebs_symbol *symbol)
{
	struct search *search = context;
	struct ebs_near *near = &search->near;

	if (symbol->is_resolver) {
		search->is_resolver |= strcmp(symbol->name, near->name) == 0;
		return 0;
	}
	ebs_near_offer(near, symbol->name);
	if (symbol->demangled && ebs_is_demangled(near->name))
		ebs_near_offer(near, symbol->demangled);
	return 0;
}

int ebs_refuse_symbol(const char *path, const char *name, struct ebs_error *error)
{
	struct search search = { .is_resolver = false };

	ebs_near_begin(&search.near, name, strlen(name));
	ebs_functions_visit(path, offer, &search, NULL);
	if (search.is_resolver)
		return ebs_error_explain(
			error, ENOENT,
			"\"%s\" of %s has variants for different CPUs, and its symbol "
			"is only what chooses one when a program starts (IFUNC): probe the "
			"variant by its own name or offset, or a function that calls it",
			name, path);
	return ebs_error_explain(error, ENOENT, "%s has no function \"%s\" in its symbol tables%s",
				 path, name, ebs_near_text(&search.near));
}
