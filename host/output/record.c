// SPDX-License-Identifier: GPL-2.0-only
// Rows of records as C has them.
#include "output/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "output/cell.h"
#include "output/enum_names.h"
#include "output/escape.h"
#include "output/spec.h"
#include "types/load.h"
#include "types/word.h"

// What is written without looking further, and most columns are: integers and text, in columns
// without a formatter.
enum quick {
	QUICK_NOT,
	QUICK_WORD,
	QUICK_TEXT,
};

struct cell {
	enum quick quick;
	uint32_t end;                 // of what a quick cell reads
	struct ebs_word word;         // QUICK_WORD
	struct ebs_field field;       // its offset is from the whole record's start
	struct ebs_enum_names *names; // of its type, where the formatter may ask for them
	bool is_address; // room for either kind of IP address, and `version` says which
	struct ebs_field version;
};

struct ebs_record {
	const struct ebs_columns *columns;
	const struct ebs_layout *layout;
	uint64_t serial;     // the layout's
	struct cell cells[]; // one a column
};

void ebs_record_free(struct ebs_record *record)
{
	for (size_t i = 0; record && i < record->columns->count; i++)
		free(record->cells[i].names);
	free(record);
}

static int refuse_column(const struct ebs_layout *layout, const char *column,
			 struct ebs_error *error)
{
	struct ebs_buffer names = { 0 };

	for (uint32_t i = 0; i < layout->field_count; i++)
		ebs_buffer_printf(&names, "%s%s", i ? ", " : "", layout->fields[i].name);
	int result = ebs_error_set(error, "EINVAL",
				   "%s has no field '%s' for the column of that name; its fields "
				   "are: %s",
				   layout->name, column, names.data ? names.data : "none");
	ebs_buffer_free(&names);
	return result;
}

// The field at `path`, "peer.port"; false when there is none. A field whose name has dots itself is
// none of C. `record` is the record that it is a field of, which begins at `offset`.
static bool find_field(const struct ebs_layout *layout, const char *path, struct ebs_field *found,
		       const struct ebs_layout **record, uint32_t *start)
{
	uint32_t offset = 0;

	for (;;) {
		size_t length = strcspn(path, ".");
		char name[256];
		const struct ebs_field *field;

		if (length >= sizeof(name))
			return false;
		memcpy(name, path, length);
		name[length] = '\0';
		field = ebs_layout_field(layout, name);
		if (!field)
			return false;
		*found = *field;
		found->offset += offset;
		*record = layout;
		*start = offset;
		if (!path[length])
			return true;
		offset = found->offset;
		path += length + 1;
		layout = field->layout;
	}
}

// Programs keep IPv4 and IPv6 addresses in one field of 16 bytes, and beside it what they are: the
// `version`, or the `family` as sockets have it.
static void find_version(struct cell *cell, const struct ebs_layout *record, uint32_t start)
{
	static const char *const names[] = { "version", "family" };
	const struct ebs_layout *layout = cell->field.layout;

	for (size_t i = 0; i < 2 && layout->kind == EBS_BYTES && layout->size == 16; i++) {
		const struct ebs_field *field = ebs_layout_field(record, names[i]);

		if (!field ||
		    (field->layout->kind != EBS_UNSIGNED && field->layout->kind != EBS_SIGNED))
			continue;
		cell->is_address = true;
		cell->version = *field;
		cell->version.offset += start;
		return;
	}
}

static void make_quick(struct cell *cell, uint32_t record_size)
{
	const struct ebs_layout *layout = cell->field.layout;

	if (ebs_word_find(&cell->word, &cell->field, record_size)) {
		cell->quick = QUICK_WORD;
		cell->end = cell->word.offset + EBS_WORD_SIZE;
	} else if (layout->kind == EBS_STRING && !layout->flexible) {
		cell->quick = QUICK_TEXT;
		cell->end = cell->field.offset + layout->size;
	}
}

struct ebs_record *ebs_record_new(const struct ebs_columns *columns,
				  const struct ebs_layout *layout, struct ebs_error *error)
{
	struct ebs_record *record =
		calloc(1, sizeof(*record) + columns->count * sizeof(record->cells[0]));
	if (!record) {
		ebs_error_errno(error, ENOMEM, "columns");
		return NULL;
	}
	record->columns = columns;
	record->layout = layout;
	record->serial = layout->serial;
	for (size_t i = 0; i < columns->count; i++) {
		const struct ebs_column *column = &columns->list[i];
		struct cell *cell = &record->cells[i];
		const struct ebs_layout *owner;
		uint32_t start;

		if (!find_field(layout, column->name.data, &cell->field, &owner, &start)) {
			refuse_column(layout, column->name.data, error);
			goto free_record;
		}
		if (!column->formatter) {
			make_quick(cell, layout->size);
		} else if (ebs_enum_names_new(cell->field.layout, &cell->names)) {
			ebs_error_errno(error, ENOMEM, "columns");
			goto free_record;
		}
		if (column->formatter && strcmp(column->formatter->name, "ip") == 0)
			find_version(cell, owner, start);
	}
	return record;

free_record:
	ebs_record_free(record);
	return NULL;
}

bool ebs_record_fits(const struct ebs_record *record, const struct ebs_layout *layout)
{
	return record->layout == layout && record->serial == layout->serial;
}

const struct ebs_field *ebs_record_field(const struct ebs_record *record, size_t index)
{
	return &record->cells[index].field;
}

static void write_integer(struct ebs_row *row, bool is_signed, uint64_t value,
			  const struct ebs_enum_names *names)
{
	if (names)
		ebs_row_named(row, (int64_t)value, names);
	else if (is_signed)
		ebs_row_integer(row, (int64_t)value);
	else
		ebs_row_unsigned(row, value);
}

static void write_value(struct ebs_row *row, const struct ebs_layout *layout, const uint8_t *data,
			size_t size, const struct ebs_enum_names *names);

static void write_wide_bitfield(struct ebs_row *row, const struct ebs_field *field,
				const uint8_t *data)
{
	uint8_t bytes[16];

	ebs_bitfield_get_bytes(field, data, bytes);
	write_value(row, field->layout, bytes, sizeof(bytes), NULL);
}

static void write_field(struct ebs_row *row, const struct ebs_field *field, const uint8_t *data,
			size_t size, const struct ebs_enum_names *names)
{
	bool flexible = field->layout->flexible;

	if (field->bit_size) {
		if (field->offset + (field->bit_offset + field->bit_size + 7u) / 8 > size)
			ebs_row_null(row);
		else if (field->layout->kind == EBS_BYTES)
			write_wide_bitfield(row, field, data);
		else if (field->layout->kind == EBS_BOOL)
			ebs_row_boolean(row, ebs_bitfield_get(field, data) != 0);
		else
			write_integer(row, field->layout->kind == EBS_SIGNED,
				      (uint64_t)ebs_bitfield_get(field, data), names);
	} else if (field->offset > size || (field->offset == size && !flexible)) {
		ebs_row_null(row);
	} else {
		write_value(row, field->layout, data + field->offset, size - field->offset, names);
	}
}

static void write_array(struct ebs_row *row, const struct ebs_layout *layout, const uint8_t *data,
			size_t size, const struct ebs_enum_names *names)
{
	uint32_t stride = layout->element->size;
	size_t count = layout->count;

	if (stride && (layout->flexible || count * stride > size))
		count = size / stride;
	ebs_row_list_begin(row);
	for (size_t i = 0; i < count; i++)
		write_value(row, layout->element, data + i * stride, stride, names);
	ebs_row_list_end(row);
}

static void write_record(struct ebs_row *row, const struct ebs_layout *layout, const uint8_t *data,
			 size_t size)
{
	ebs_row_record_begin(row);
	for (uint32_t i = 0; i < layout->field_count; i++) {
		const struct ebs_field *field = &layout->fields[i];

		ebs_row_key(row, field->name, strlen(field->name));
		write_field(row, field, data, size, NULL);
	}
	ebs_row_record_end(row);
}

static void write_value(struct ebs_row *row, const struct ebs_layout *layout, const uint8_t *data,
			size_t size, const struct ebs_enum_names *names)
{
	bool whole = size >= layout->size;
	size_t length = layout->flexible || !whole ? size : layout->size;

	switch (layout->kind) {
	case EBS_SIGNED:
	case EBS_UNSIGNED:
	case EBS_BOOL:
	case EBS_FLOAT:
		if (!whole)
			ebs_row_null(row);
		else if (layout->kind == EBS_BOOL)
			ebs_row_boolean(row, ebs_load_unsigned(data, layout->size) != 0);
		else if (layout->kind == EBS_FLOAT)
			ebs_row_number(row, ebs_load_float(data, layout->size));
		else if (layout->kind == EBS_SIGNED)
			write_integer(row, true, (uint64_t)ebs_load_signed(data, layout->size),
				      names);
		else
			write_integer(row, false, ebs_load_unsigned(data, layout->size), names);
		break;
	case EBS_STRING:
		ebs_row_string(row, (const char *)data, ebs_text_size(layout, data, length));
		break;
	case EBS_BYTES:
		ebs_row_string(row, (const char *)data, length);
		break;
	case EBS_ARRAY:
		write_array(row, layout, data, length, names);
		break;
	case EBS_RECORD:
		write_record(row, layout, data, length);
		break;
	}
}

void ebs_row_value(struct ebs_row *row, const struct ebs_layout *layout, const uint8_t *data,
		   size_t size)
{
	write_value(row, layout, data, size, NULL);
}

static void write_address(struct ebs_row *row, const struct cell *cell, const uint8_t *data,
			  size_t size)
{
	const struct ebs_field *version = &cell->version;
	bool whole =
		cell->field.offset + 16 <= size && version->offset + version->layout->size <= size;
	uint64_t number = 0;

	if (whole && version->bit_size)
		number = (uint64_t)ebs_bitfield_get(version, data);
	else if (whole)
		number = ebs_load_unsigned(data + version->offset, version->layout->size);
	if (number == 4 || number == AF_INET)
		ebs_row_string(row, (const char *)data + cell->field.offset, 4);
	else
		write_field(row, &cell->field, data, size, NULL);
}

void ebs_record_cell(const struct ebs_record *record, struct ebs_row *row, const uint8_t *data,
		     size_t size)
{
	const struct cell *cell = &record->cells[row->column];

	if (cell->is_address)
		write_address(row, cell, data, size);
	else
		write_field(row, &cell->field, data, size, cell->names);
}

static void write_text(struct ebs_row *row, const struct ebs_layout *layout, const char *data)
{
	size_t size = layout->size;
	size_t length = 0;

	while (length < size && ebs_is_plain_byte(data[length]))
		length++;
	if (length < size && (data[length] || layout->stored))
		ebs_row_string(row, data, ebs_text_size(layout, (const uint8_t *)data, size));
	else
		ebs_cell_append(row, data, length, row->columns->json);
}

static void write_word(struct ebs_row *row, const struct ebs_word *word, const uint8_t *data)
{
	int64_t value = ebs_word_load(word, data);
	bool negative = word->sign && value < 0;

	ebs_cell_integer(row, negative ? -(uint64_t)value : (uint64_t)value, negative);
}

static void write_cell(struct ebs_row *row, const struct cell *cell, const uint8_t *data,
		       size_t size)
{
	if (cell->is_address)
		write_address(row, cell, data, size);
	else if (cell->quick == QUICK_NOT || cell->end > size)
		write_field(row, &cell->field, data, size, cell->names);
	else if (cell->quick == QUICK_WORD)
		write_word(row, &cell->word, data);
	else
		write_text(row, cell->field.layout, (const char *)data + cell->field.offset);
}

void ebs_record_append(const struct ebs_record *record, const uint8_t *data, size_t size,
		       struct ebs_buffer *out)
{
	struct ebs_row row;

	ebs_row_begin(&row, record->columns, out);
	for (size_t i = 0; i < record->columns->count; i++)
		write_cell(&row, &record->cells[i], data, size);
	ebs_row_end(&row);
}
