// SPDX-License-Identifier: GPL-2.0-only
// A set of names with flags.
#include "types/names.h"

#include <stdlib.h>
#include <string.h>

static unsigned beginning(const char *text, size_t length)
{
	unsigned char first = length > 0 ? text[0] : 0;
	unsigned char second = length > 1 ? text[1] : 0;
	unsigned char third = length > 2 ? text[2] : 0;

	return (first * 37 + second * 101 + third * 229) % 4096;
}

static uint32_t hash_of(const char *text, size_t length)
{
	uint32_t hash = 2166136261u; // FNV-1a

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619u;
	return hash;
}

// The name's slot, or the free one where it belongs.
static struct ebs_name *slot_for(const struct ebs_names *names, const char *text, size_t length,
				 uint32_t hash)
{
	size_t i = hash & (names->capacity - 1);

	while (names->slots[i].text &&
	       (names->slots[i].hash != hash || names->slots[i].length != length ||
		memcmp(names->slots[i].text, text, length)))
		i = (i + 1) & (names->capacity - 1);
	return &names->slots[i];
}

static bool grow(struct ebs_names *names)
{
	struct ebs_names larger = { .capacity = names->capacity ? names->capacity * 2 : 1024 };

	larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < names->capacity; i++) {
		const struct ebs_name *name = &names->slots[i];

		if (name->text)
			*slot_for(&larger, name->text, name->length, name->hash) = *name;
	}
	free(names->slots);
	names->slots = larger.slots;
	names->capacity = larger.capacity;
	return true;
}

void ebs_names_add(struct ebs_names *names, const char *text, size_t length, uint32_t flags)
{
	uint32_t hash = hash_of(text, length);

	if (length > UINT32_MAX || (names->count * 2 >= names->capacity && !grow(names)))
		names->failed = true;
	if (names->failed)
		return;
	struct ebs_name *name = slot_for(names, text, length, hash);
	if (!name->text) {
		unsigned bit = beginning(text, length);

		*name = (struct ebs_name){ .text = text, .length = length, .hash = hash };
		names->count++;
		names->filter[bit / 64] |= (uint64_t)1 << bit % 64;
	}
	name->flags |= flags;
}

struct ebs_name *ebs_names_find_part(const struct ebs_names *names, const char *text, size_t length)
{
	unsigned bit = beginning(text, length);
	if (!names->count || !(names->filter[bit / 64] >> bit % 64 & 1))
		return NULL;

	struct ebs_name *name = slot_for(names, text, length, hash_of(text, length));
	return name->text ? name : NULL;
}

struct ebs_name *ebs_names_find(const struct ebs_names *names, const char *text)
{
	// Most names end here: the filter asks for three bytes, not for the length.
	unsigned bit = beginning(text, strnlen(text, 3));
	if (!(names->filter[bit / 64] >> bit % 64 & 1))
		return NULL;
	return ebs_names_find_part(names, text, strlen(text));
}

void ebs_names_free(struct ebs_names *names)
{
	free(names->slots);
	*names = (struct ebs_names){ 0 };
}
