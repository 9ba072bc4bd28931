// SPDX-License-Identifier: GPL-2.0-only
// What SEC("uprobe/PATH:SYMBOL") and its relatives say.
#include "kernel/uprobe_target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Where the element ends: at a comma that no bracket of a C++ name is around.
static char *element_end(char *text)
{
	int depth = 0;

	for (; *text && (*text != ',' || depth > 0); text++) {
		depth += *text == '(' || *text == '<';
		depth -= *text == ')' || *text == '>';
	}
	return text;
}

uint32_t ebs_list_split(char *text, const char ***names)
{
	uint32_t count = 0;
	bool more = true;

	*names = NULL;
	while (more) {
		char *end = element_end(text);
		const char **grown = reallocarray(*names, count + 1, sizeof(**names));
		if (!grown) {
			free(*names);
			*names = NULL;
			return 0;
		}
		more = *end;
		*end = '\0';
		*names = grown;
		grown[count++] = text;
		text = end + 1;
	}
	return count;
}

// "+OFFSET" at the end of a symbol; what isn't a number belongs to the name: "operator+".
static void take_offset(struct ebs_uprobe_target *target)
{
	char *plus = strrchr(target->symbols, '+'), *end;

	if (!plus || plus == target->symbols || plus[1] < '0' || plus[1] > '9')
		return;
	target->offset = strtoull(plus + 1, &end, 0);
	if (*end)
		target->offset = 0;
	else
		*plus = '\0';
}

// "0xOFFSET" in the symbol's place.
static bool take_place(struct ebs_uprobe_target *target)
{
	char *end;

	if (strncmp(target->symbols, "0x", 2))
		return false;
	target->offset = strtoull(target->symbols, &end, 16);
	target->has_offset = *end == '\0';
	return target->has_offset;
}

int ebs_uprobe_target_parse(const char *text, bool is_list, struct ebs_uprobe_target *target)
{
	const char *colon = text ? strchr(text, ':') : NULL;

	*target = (struct ebs_uprobe_target){ 0 };
	if (!text)
		return 0;
	target->path = strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	if (!target->path)
		return -ENOMEM;
	if (!colon || !colon[1])
		return 0;
	target->symbols = strdup(colon + 1);
	if (!target->symbols)
		return -ENOMEM;
	if (!is_list && take_place(target)) {
		free(target->symbols);
		target->symbols = NULL;
		return 0;
	}
	if (is_list) {
		target->name_count = ebs_list_split(target->symbols, &target->names);
	} else {
		take_offset(target);
		target->names = malloc(sizeof(*target->names));
		target->name_count = target->names ? 1 : 0;
		if (target->names)
			target->names[0] = target->symbols;
	}
	return target->name_count ? 0 : -ENOMEM;
}

void ebs_uprobe_target_free(struct ebs_uprobe_target *target)
{
	free(target->path);
	free(target->names);
	free(target->symbols);
	*target = (struct ebs_uprobe_target){ 0 };
}

int ebs_usdt_target_parse(const char *text, struct ebs_usdt_target *target)
{
	*target = (struct ebs_usdt_target){ .copy = text ? strdup(text) : NULL };
	if (text && !target->copy)
		return -ENOMEM;
	char *name = text ? strrchr(target->copy, ':') : NULL;
	if (!name)
		return 0;
	*name = '\0';
	char *provider = strrchr(target->copy, ':');
	if (!provider)
		return 0;
	*provider = '\0';
	target->path = target->copy;
	target->provider = provider + 1;
	target->name = name + 1;
	return 0;
}

void ebs_usdt_target_free(struct ebs_usdt_target *target)
{
	free(target->copy);
}
