// SPDX-License-Identifier: GPL-2.0-only
// The names of an enum's values, as formatters look them up.
#include "output/enum_names.h"

#include <errno.h>
#include <stdlib.h>

static int compare(const void *left, const void *right)
{
	const struct ebs_enumerator *a = left;
	const struct ebs_enumerator *b = right;

	return a->value < b->value ? -1 : a->value > b->value;
}

void ebs_enum_names_sort(struct ebs_enum_names *names)
{
	qsort(names->list, names->count, sizeof(names->list[0]), compare);
}

// Formatters write names as they are: only those that C, and the kernel, take for names.
static bool is_name(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= '0' && *c <= '9') && *c != '_')
			return false;
	return *text;
}

int ebs_enum_names_new(const struct ebs_layout *layout, struct ebs_enum_names **names)
{
	size_t count = 0;
	int64_t value;

	*names = NULL;
	while (layout->kind == EBS_ARRAY)
		layout = layout->element;
	while (ebs_types_enumerator(layout->types, layout->type_id, count, &value))
		count++;
	if (!count)
		return 0;
	*names = malloc(sizeof(**names) + count * sizeof((*names)->list[0]));
	if (!*names)
		return -ENOMEM;
	(*names)->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct ebs_enumerator name;
		name.name = ebs_types_enumerator(layout->types, layout->type_id, i, &name.value);
		bool known = !is_name(name.name);
		for (size_t j = 0; j < (*names)->count && !known; j++)
			known = (*names)->list[j].value == name.value;
		if (!known) // the first of a value's names counts, as in object:enum()
			(*names)->list[(*names)->count++] = name;
	}
	ebs_enum_names_sort(*names);
	return 0;
}
