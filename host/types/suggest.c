// SPDX-License-Identifier: GPL-2.0-only
// What somebody may have meant who named a type that there isn't. The compiler itself looks for
// near names of what is declared, but never for those of a struct, whose name declares one.
#include "types/suggest.h"

#include <string.h>

#include "base/near.h"

enum { MOST_NOTES = 3 };

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

static void find_nearest(const struct ebs_btf_blob *kernel, const struct unknown *unknown,
			 struct ebs_near *near)
{
	ebs_near_begin(near, unknown->name, unknown->length);
	for (uint32_t id = 1; id < kernel->count; id++) {
		const struct btf_type *type = ebs_btf_type(kernel, id);

		if (type->name_off && is_of_kind(type, unknown))
			ebs_near_offer(near, ebs_btf_string(kernel, type->name_off));
	}
}

// Tracepoints of one event class share its struct.
static void note_tracepoint(const struct unknown *unknown, struct ebs_buffer *out)
{
	static const char prefix[] = "trace_event_raw_";
	size_t start = strlen(prefix);

	if (*unknown->tag == 's' && unknown->length > start &&
	    !memcmp(unknown->name, prefix, start))
		ebs_buffer_printf(out,
				  "\nnote: tracepoints of one event class share a struct: "
				  "`ebscript -l -v 'tracepoint:*:%.*s'` names it",
				  (int)(unknown->length - start), unknown->name + start);
}

static bool note(const struct ebs_btf_blob *kernel, const struct unknown *unknown, bool included,
		 struct ebs_buffer *out)
{
	struct ebs_near near;
	int length = (int)unknown->length;

	find_nearest(kernel, unknown, &near);
	if (*near.best && !near.apart) {
		if (!included)
			ebs_buffer_printf(out,
					  "\nnote: %s%.*s is one of the kernel's types: #include "
					  "\"vmlinux.h\"",
					  unknown->tag, length, unknown->name);
		return !included;
	}
	if (!included || (!*near.best && !*unknown->tag))
		return false;
	ebs_buffer_printf(out, "\nnote: this kernel has no %s%.*s",
			  *unknown->tag ? unknown->tag : "type ", length, unknown->name);
	if (*near.best)
		ebs_buffer_printf(out, "; did you mean %s%s?", unknown->tag, near.best);
	note_tracepoint(unknown, out);
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
