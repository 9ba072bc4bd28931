// SPDX-License-Identifier: GPL-2.0-only
// Formatters: values to the text that people read them in.
#ifndef EBS_OUTPUT_FORMAT_H
#define EBS_OUTPUT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EBS_FORMATTED_SIZE 256 // bytes; no formatter writes more

// The names of an enum's values, sorted by value; each value once.
struct ebs_enum_names {
	size_t count;
	struct ebs_enumerator {
		int64_t value;
		const char *name;
	} list[];
};

// Puts them in order.
void ebs_enum_names_sort(struct ebs_enum_names *names);

// The name of a value, or NULL.
const char *ebs_enum_name(const struct ebs_enum_names *names, int64_t value);

// What a formatter gets.
struct ebs_scalar {
	enum { EBS_SCALAR_INTEGER, EBS_SCALAR_BYTES } kind;
	int64_t integer; // two's complement, of unsigned ones too
	const char *data;
	size_t size;
	const struct ebs_enum_names *names; // of the value's type; NULL where it has none
};

static inline struct ebs_scalar ebs_scalar_integer(int64_t value)
{
	return (struct ebs_scalar){ .kind = EBS_SCALAR_INTEGER, .integer = value };
}

static inline struct ebs_scalar ebs_scalar_bytes(const char *data, size_t size)
{
	return (struct ebs_scalar){ .kind = EBS_SCALAR_BYTES, .data = data, .size = size };
}

struct ebs_formatter {
	const char *name;
	const char *takes; // what it makes sense of, for messages
	enum {
		EBS_JSON_RAW,  // JSON has the value itself
		EBS_JSON_TEXT, // the same text
		EBS_JSON_NUMBER,
	} json;
	bool names; // it is about a type's names
	// Writes printable UTF-8 and returns its size; 0 when it can't make sense of the value.
	size_t (*format)(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json);
};

// In order of their names; the last one has none.
extern const struct ebs_formatter ebs_formatters[];

// The formatter of that name, or NULL.
const struct ebs_formatter *ebs_formatter_find(const char *name, size_t size);

#endif
