// SPDX-License-Identifier: GPL-2.0-only
// Reads the spec of columns and prepares all of a row that is the same each time.
#include "output/columns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/escape.h"
#include "output/spec.h"

#define MAX_WIDTH 1000

// Reads ":WIDTH" or ":>WIDTH", which `text` holds whole. Returns false when it is neither.
static bool parse_width(struct ebs_column *column, const char *text, size_t size)
{
	size_t at = 1;

	if (at < size && text[at] == '>') {
		column->right = true;
		at++;
	}
	if (at == size)
		return false;
	for (; at < size; at++) {
		if (text[at] < '0' || text[at] > '9')
			return false;
		column->width = column->width * 10 + (text[at] - '0');
		if (column->width > MAX_WIDTH)
			return false;
	}
	return column->width > 0;
}

static bool is_named(const struct ebs_columns *columns, const struct ebs_buffer *key)
{
	for (size_t i = 0; i < columns->count; i++) {
		const struct ebs_buffer *other = &columns->list[i].key;
		// The first byte is the brace or the comma.
		if (other->size == key->size &&
		    !memcmp(other->data + 1, key->data + 1, key->size - 1))
			return true;
	}
	return false;
}

// Fills in what `text` describes; where it fails, `column` is still the caller's to free.
static int parse_column(const struct ebs_columns *columns, struct ebs_column *column,
			const char *text, size_t size, struct ebs_error *error)
{
	const char *bar = memchr(text, '|', size);
	size_t plain_size = bar ? (size_t)(bar - text) : size; // without the formatter
	const char *colon = memchr(text, ':', plain_size);
	size_t name_size = colon ? (size_t)(colon - text) : plain_size;

	if (!name_size)
		return ebs_error_set(error, "EINVAL", "column \"%.*s\" has no name", (int)size,
				     text);
	if (bar && plain_size + 1 == size)
		return ebs_error_set(error, "EINVAL",
				     "column \"%.*s\" has no formatter behind the |", (int)size,
				     text);
	if (colon && !parse_width(column, colon, plain_size - name_size))
		return ebs_error_set(error, "EINVAL",
				     "column \"%.*s\": a width is a number from 1 to %d, with a > "
				     "before it to align right",
				     (int)size, text, MAX_WIDTH);

	ebs_buffer_append(&column->name, text, name_size);
	ebs_escape_text(&column->title, text, name_size);
	ebs_buffer_append_string(&column->key, columns->count ? ",\"" : "{\"");
	ebs_escape_json(&column->key, text, name_size);
	ebs_buffer_append_string(&column->key, "\":");
	if (bar) {
		ebs_buffer_append(&column->format, bar + 1, size - plain_size - 1);
		column->formatter = ebs_formatter_find(bar + 1, size - plain_size - 1);
	}
	if (column->name.failed || column->title.failed || column->key.failed ||
	    column->format.failed)
		return ebs_error_errno(error, ENOMEM, "columns");

	struct ebs_buffer *title = &column->title;
	if (title->size != name_size)
		return ebs_error_set(error, "EINVAL", "column \"%s\" is not printable text",
				     title->data);
	if (is_named(columns, &column->key))
		return ebs_error_set(error, "EINVAL", "column \"%s\" is named twice", title->data);

	for (size_t i = 0; i < title->size; i++)
		if (title->data[i] >= 'a' && title->data[i] <= 'z')
			title->data[i] += 'A' - 'a';
	size_t width = ebs_count_characters(title->data, title->size);
	if (column->width < width)
		column->width = width;
	return 0;
}

static void free_column(struct ebs_column *column)
{
	ebs_buffer_free(&column->name);
	ebs_buffer_free(&column->title);
	ebs_buffer_free(&column->key);
	ebs_buffer_free(&column->format);
}

static int add_column(struct ebs_columns *columns, const char *text, size_t size,
		      struct ebs_error *error)
{
	struct ebs_column column = { 0 };
	struct ebs_column *list;
	int failure = parse_column(columns, &column, text, size, error);

	if (failure)
		goto free_column;
	list = reallocarray(columns->list, columns->count + 1, sizeof(*list));
	if (!list) {
		failure = ebs_error_errno(error, ENOMEM, "columns");
		goto free_column;
	}
	columns->list = list;
	columns->list[columns->count++] = column;
	return 0;

free_column:
	free_column(&column);
	return failure;
}

static int add_columns(struct ebs_columns *columns, const char *spec, struct ebs_error *error)
{
	static const char blanks[] = " \t\r\n";

	for (;;) {
		spec += strspn(spec, blanks);
		size_t size = strcspn(spec, blanks);
		if (!size)
			break;
		int failure = add_column(columns, spec, size, error);
		if (failure)
			return failure;
		spec += size;
	}
	if (!columns->count)
		return ebs_error_set(error, "EINVAL", "no columns are named");
	return 0;
}

// The titles are a row like any other.
static int make_titles(struct ebs_columns *columns, struct ebs_error *error)
{
	struct ebs_row row;

	ebs_row_begin(&row, columns, &columns->titles);
	for (size_t i = 0; i < columns->count; i++)
		ebs_row_title(&row);
	ebs_row_end(&row);
	return columns->titles.failed ? ebs_error_errno(error, ENOMEM, "columns") : 0;
}

struct ebs_columns *ebs_columns_new(const char *spec, bool json, struct ebs_error *error)
{
	struct ebs_columns *columns = calloc(1, sizeof(*columns));

	if (!columns) {
		ebs_error_errno(error, ENOMEM, "columns");
		return NULL;
	}
	columns->json = json;
	columns->number_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
	if (!columns->number_locale) {
		ebs_error_errno(error, errno, "columns");
		goto free_columns;
	}
	if (add_columns(columns, spec, error))
		goto free_columns;
	if (!json && make_titles(columns, error))
		goto free_columns;
	return columns;

free_columns:
	ebs_columns_free(columns);
	return NULL;
}

void ebs_columns_free(struct ebs_columns *columns)
{
	if (!columns)
		return;
	for (size_t i = 0; i < columns->count; i++)
		free_column(&columns->list[i]);
	free(columns->list);
	ebs_buffer_free(&columns->titles);
	if (columns->number_locale)
		freelocale(columns->number_locale);
	free(columns);
}

size_t ebs_columns_count(const struct ebs_columns *columns)
{
	return columns->count;
}

const char *ebs_columns_name(const struct ebs_columns *columns, size_t index)
{
	return columns->list[index].name.data;
}

const char *ebs_columns_format(const struct ebs_columns *columns, size_t index)
{
	return columns->list[index].format.data;
}

const struct ebs_formatter *ebs_columns_formatter(const struct ebs_columns *columns, size_t index)
{
	return columns->list[index].formatter;
}

void ebs_columns_set_formatter(struct ebs_columns *columns, size_t index,
			       const struct ebs_formatter *formatter)
{
	columns->list[index].formatter = formatter;
}

void ebs_columns_header(const struct ebs_columns *columns, struct ebs_buffer *out)
{
	ebs_buffer_append(out, columns->titles.data, columns->titles.size);
}
