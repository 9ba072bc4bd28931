// SPDX-License-Identifier: GPL-2.0-only
// The kernel's functions that names and globs mean: those that ftrace knows; without its list,
// those that have a name.
#include "kernel/function_list.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "kernel/kallsyms.h"
#include "kernel/tracefs.h"

struct search {
	struct ebs_function_list *list;
	const char *const *names;
	uint32_t count;
	const char *const **plain; // those that are no globs, in order
	uint32_t plain_count;
	bool *found; // for each name and glob
};

static bool is_glob(const char *name)
{
	return strpbrk(name, "*?[");
}

static int compare_plain(const void *a, const void *b)
{
	const char *const *one = *(const char *const *const *)a;
	const char *const *other = *(const char *const *const *)b;
	int names = strcmp(*one, *other);

	return names ? names : one < other ? -1 : one > other; // both are of one array
}

// Which of the names it is, the first where the list has it twice; UINT32_MAX: no one.
static uint32_t find_plain(const struct search *search, const char *name)
{
	uint32_t low = 0, high = search->plain_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (strcmp(*search->plain[middle], name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < search->plain_count && strcmp(*search->plain[low], name) == 0
		       ? (uint32_t)(search->plain[low] - search->names)
		       : UINT32_MAX;
}

static int add(struct search *search, const char *name, uint32_t wanted)
{
	struct ebs_function_list *list = search->list;

	if (list->count == list->capacity) {
		uint32_t capacity = list->capacity ? list->capacity * 2 : 64;
		struct ebs_function *items = reallocarray(list->items, capacity, sizeof(*items));
		if (!items)
			return -ENOMEM;
		list->items = items;
		list->capacity = capacity;
	}
	char *copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	search->found[wanted] = true;
	list->items[list->count++] = (struct ebs_function){
		.name = copy, .wanted = wanted, .is_chosen = is_glob(search->names[wanted])
	};
	return 0;
}

static int visit(void *context, const char *name)
{
	struct search *search = context;
	uint32_t plain = find_plain(search, name);
	int result = plain == UINT32_MAX ? 0 : add(search, name, plain);

	for (uint32_t i = 0; !result && i < search->count; i++)
		if (is_glob(search->names[i]) && fnmatch(search->names[i], name, 0) == 0)
			result = add(search, name, i);
	return result;
}

static int visit_all(struct search *search)
{
	struct ebs_buffer lines = { 0 };
	int result = ebs_tracefs_functions("*", &lines);
	char *rest = lines.data;
	char *line;

	if (result)
		result = ebs_kallsyms_visit(visit, search);
	else
		while (!result && (line = strsep(&rest, "\n")))
			if (*line)
				result = visit(search, line);
	ebs_buffer_free(&lines);
	return result;
}

static int compare_names(const void *a, const void *b)
{
	const struct ebs_function *one = a, *other = b;
	int names = strcmp(one->name, other->name);

	return names ? names : one->wanted < other->wanted ? -1 : one->wanted > other->wanted;
}

static int compare_wanted(const void *a, const void *b)
{
	const struct ebs_function *one = a, *other = b;

	if (one->wanted != other->wanted)
		return one->wanted < other->wanted ? -1 : 1;
	return strcmp(one->name, other->name);
}

// Functions of several files may have one name. The kernel attaches to one of them, and refuses a
// list that has it twice.
static void drop_doubles(struct ebs_function_list *list)
{
	struct ebs_function *items = list->items;
	uint32_t kept = 0;

	if (!list->count)
		return;
	qsort(items, list->count, sizeof(*items), compare_names);
	for (uint32_t i = 0; i < list->count; i++) {
		if (kept && strcmp(items[i].name, items[kept - 1].name) == 0) {
			items[kept - 1].is_chosen &= items[i].is_chosen;
			free(items[i].name);
		} else {
			items[kept++] = items[i];
		}
	}
	list->count = kept;
	qsort(items, list->count, sizeof(*items), compare_wanted);
}

static int refuse_missing(const char *name, struct ebs_error *error)
{
	return is_glob(name)
		       ? ebs_error_explain(error, ENOENT, "the kernel has no function \"%s\"", name)
		       : ebs_kallsyms_refuse(name, error);
}

int ebs_function_list_find(struct ebs_function_list *list, const char *const *names, uint32_t count,
			   struct ebs_error *error)
{
	struct search search = {
		.list = list,
		.names = names,
		.count = count,
		.plain = calloc(count, sizeof(*search.plain)),
		.found = calloc(count, sizeof(*search.found)),
	};
	int result = search.plain && search.found ? 0 : -ENOMEM;

	for (uint32_t i = 0; !result && i < count; i++)
		if (!is_glob(names[i]))
			search.plain[search.plain_count++] = &names[i];
	if (!result) {
		qsort(search.plain, search.plain_count, sizeof(*search.plain), compare_plain);
		result = visit_all(&search);
	}
	if (result)
		ebs_error_errno(error, result, "can't find the kernel's functions");
	else
		drop_doubles(list);
	for (uint32_t i = 0; !result && i < count; i++) {
		uint32_t same = find_plain(&search, names[i]);

		if (!search.found[same == UINT32_MAX ? i : same])
			result = refuse_missing(names[i], error);
	}
	free(search.plain);
	free(search.found);
	return result;
}

void ebs_function_list_free(struct ebs_function_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		free(list->items[i].name);
	free(list->items);
	*list = (struct ebs_function_list){ 0 };
}
