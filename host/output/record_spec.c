// SPDX-License-Identifier: GPL-2.0-only
// Columns straight from a type: how wide its fields are, how aligned, and in which format.
#include <stdlib.h>
#include <string.h>

#include "output/enum_names.h"
#include "output/record.h"

#define MAX_TEXT 32 // characters; what is wider pushes the rest of its row

static bool is_pointer(const struct ebs_layout *layout)
{
	size_t length = strlen(layout->name);

	return layout->kind == EBS_UNSIGNED && length && layout->name[length - 1] == '*';
}

// The longest name, or 0 when the type is no enum.
static size_t names_width(const struct ebs_layout *layout)
{
	struct ebs_enum_names *names;
	size_t width = 0;

	if (layout->kind == EBS_ARRAY || ebs_enum_names_new(layout, &names))
		return 0;
	for (size_t i = 0; names && i < names->count; i++) {
		size_t length = strlen(names->list[i].name);
		width = length > width ? length : width;
	}
	free(names);
	return width;
}

static size_t at_most(size_t width)
{
	return width && width < MAX_TEXT ? width : MAX_TEXT;
}

// Wide enough for most values: a u64 that needs 20 digits is rare.
static size_t integer_width(const struct ebs_layout *layout)
{
	switch (layout->size) {
	case 1:
		return 4;
	case 2:
		return 6;
	case 4:
		return 10;
	default:
		return 14;
	}
}

static void append_width(const struct ebs_field *field, struct ebs_buffer *spec)
{
	const struct ebs_layout *layout = field->layout;
	size_t names = names_width(layout);

	switch (layout->kind) {
	case EBS_SIGNED:
	case EBS_UNSIGNED:
		if (names)
			ebs_buffer_printf(spec, ":%zu|enum", at_most(names));
		else if (is_pointer(layout))
			ebs_buffer_append_string(spec, ":>18|hex");
		else
			ebs_buffer_printf(spec, ":>%zu", integer_width(layout));
		break;
	case EBS_BOOL:
		ebs_buffer_append_string(spec, ":5");
		break;
	case EBS_FLOAT:
		ebs_buffer_append_string(spec, ":>14");
		break;
	case EBS_STRING:
		ebs_buffer_printf(spec, ":%zu", at_most(layout->size));
		break;
	case EBS_BYTES:
		ebs_buffer_printf(spec, ":%zu|hex", at_most((size_t)layout->size * 2));
		break;
	case EBS_ARRAY:
	case EBS_RECORD:
		ebs_buffer_printf(spec, ":%d", MAX_TEXT);
		break;
	}
}

void ebs_record_spec(const struct ebs_layout *layout, struct ebs_buffer *spec)
{
	for (uint32_t i = 0; i < layout->field_count; i++) {
		if (i)
			ebs_buffer_append_char(spec, ' ');
		ebs_buffer_append_string(spec, layout->fields[i].name);
		append_width(&layout->fields[i], spec);
	}
}
