// SPDX-License-Identifier: GPL-2.0-only
// What somebody may have meant who named a type that there isn't. The compiler itself looks for
// near names of what is declared, but never for those of a struct, whose name declares one.
#include "types/suggest.h"

#include <string.h>

enum {
	MOST_NOTES = 3,
	LONGEST = 64, // characters of a name that is compared
};

// A name that the messages call unknown.
struct unknown {
	const char *tag;  // "struct", "union", "enum", or "" for a typedef
	const char *name; // `length` characters
	size_t length;
};

static bool is_name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static bool starts_with(const char *text, const char *end, const char *start)
{
	size_t length = strlen(start);

	return (size_t)(end - text) >= length && memcmp(text, start, length) == 0;
}

static bool contains(const char *line, const char *end, const char *what)
{
	return memmem(line, end - line, what, strlen(what)) != NULL;
}

static bool take_name(struct unknown *unknown, const char *tag, const char *name, const char *end)
{
	size_t length = 0;

	while (name + length < end && is_name_character(name[length]))
		length++;
	*unknown = (struct unknown){ tag, name, length };
	return length > 0;
}

// 'struct NAME', 'const union NAME *' and the like.
static bool find_tag(const char *line, const char *end, struct unknown *unknown)
{
	static const char *const tags[] = { "struct ", "union ", "enum " };

	for (const char *quote = memchr(line, '\'', end - line); quote;
	     quote = memchr(quote + 1, '\'', end - quote - 1)) {
		const char *type = quote + 1;

		while (starts_with(type, end, "const ") || starts_with(type, end, "volatile "))
			type += *type == 'c' ? strlen("const ") : strlen("volatile ");
		for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
			if (starts_with(type, end, tags[i]))
				return take_name(unknown, tags[i], type + strlen(tags[i]), end);
	}
	return false;
}

static bool find_unknown(const char *line, const char *end, struct unknown *unknown)
{
	static const char phrase[] = "unknown type name '";

	if (!contains(line, end, "error: ") || contains(line, end, "did you mean"))
		return false;
	const char *found = memmem(line, end - line, phrase, strlen(phrase));
	if (found)
		return take_name(unknown, "", found + strlen(phrase), end);
	return (contains(line, end, "incomplete") || contains(line, end, "never completed")) &&
	       find_tag(line, end, unknown);
}

static bool is_same(const struct unknown *a, const struct unknown *b)
{
	return a->tag == b->tag && a->length == b->length &&
	       memcmp(a->name, b->name, a->length) == 0;
}

static bool is_of_kind(const struct btf_type *type, const struct unknown *unknown)
{
	switch (*unknown->tag) {
	case 's':
		return ebs_btf_kind(type) == BTF_KIND_STRUCT;
	case 'u':
		return ebs_btf_kind(type) == BTF_KIND_UNION;
	case 'e':
		return ebs_btf_is_enum(type);
	default:
		return ebs_btf_kind(type) == BTF_KIND_TYPEDEF;
	}
}

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

// How many characters have to be added, left away, replaced, or swapped with their neighbour; more
// than `most` is as good as any other number.
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length,
			 unsigned most)
{
	unsigned rows[3][LONGEST + 1]; // this one and the two before

	if (a_length > LONGEST || b_length > LONGEST || a_length > b_length + most ||
	    b_length > a_length + most)
		return most + 1;
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		unsigned *row = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
		unsigned least = row[0] = i;

		for (size_t j = 1; j <= b_length; j++) {
			row[j] = smaller(smaller(row[j - 1], last[j]) + 1,
					 last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = smaller(row[j], before[j - 2] + 1);
			least = smaller(least, row[j]);
		}
		if (least > most)
			return least;
	}
	return rows[a_length % 3][b_length];
}

// The kernel's nearest name, or NULL; 0 apart: it has the type.
static const char *nearest(const struct ebs_btf_blob *kernel, const struct unknown *unknown,
			   unsigned *apart)
{
	unsigned most = unknown->length < 6 ? 1 : unknown->length < 10 ? 2 : 3;
	const char *best = NULL;

	for (uint32_t id = 1; id < kernel->count && (!best || *apart); id++) {
		const struct btf_type *type = ebs_btf_type(kernel, id);

		if (!type->name_off || !is_of_kind(type, unknown))
			continue;
		const char *name = ebs_btf_string(kernel, type->name_off);
		unsigned steps = distance(unknown->name, unknown->length, name, strlen(name), most);
		if (steps > most)
			continue;
		best = name;
		*apart = steps;
		most = steps ? steps - 1 : 0; // only a nearer one is better
	}
	return best;
}

static bool note(const struct ebs_btf_blob *kernel, const struct unknown *unknown, bool included,
		 struct ebs_buffer *out)
{
	unsigned apart = 0;
	const char *name = nearest(kernel, unknown, &apart);
	int length = (int)unknown->length;

	if (name && !apart) {
		if (!included)
			ebs_buffer_printf(out,
					  "\nnote: %s%.*s is one of the kernel's types: #include "
					  "\"vmlinux.h\"",
					  unknown->tag, length, unknown->name);
		return !included;
	}
	if (!included || (!name && !*unknown->tag))
		return false;
	ebs_buffer_printf(out, "\nnote: this kernel has no %s%.*s",
			  *unknown->tag ? unknown->tag : "type ", length, unknown->name);
	if (name)
		ebs_buffer_printf(out, "; did you mean %s%s?", unknown->tag, name);
	return true;
}

void ebs_suggest_types(const struct ebs_btf_blob *kernel, const char *messages, bool included,
		       struct ebs_buffer *out)
{
	struct unknown told[MOST_NOTES];
	size_t count = 0;

	for (const char *line = messages; *line && count < MOST_NOTES;) {
		const char *end = line + strcspn(line, "\n");
		bool is_new = find_unknown(line, end, &told[count]);

		for (size_t i = 0; i < count && is_new; i++)
			is_new = !is_same(&told[i], &told[count]);
		if (is_new && note(kernel, &told[count], included, out))
			count++;
		line = *end ? end + 1 : end;
	}
}
