// SPDX-License-Identifier: GPL-2.0-only
// What the files share that make columns and print with them: lua_columns.c, columns_record.c.
#ifndef EBS_SCRIPT_COLUMNS_H
#define EBS_SCRIPT_COLUMNS_H

#include "kernel/ring.h"
#include "output/columns.h"
#include "output/record.h"
#include "script/value.h"

#define EBS_COLUMNS_CLASS      "bpf.Columns"
#define EBS_JSON_COLUMNS_CLASS "ebscript.json_columns" // for scripts the same

enum { EBS_COLUMNS_TYPES = 8 }; // of records whose plans are kept

// User values: the function that writes a row's text, or nil; the script's own formatters, by the
// columns' numbers from 1.
enum { EBS_COLUMNS_TEXT = 1, EBS_COLUMNS_FORMATS };
#define EBS_COLUMNS_VALUES EBS_COLUMNS_FORMATS

#define EBS_COLUMNS_CLOSED "the columns are closed"

struct script_columns {
	struct ebs_columns *columns; // NULL once finalized
	struct ebs_weight weight;
	struct ebs_buffer out;                         // one row, memory reused
	struct ebs_record *records[EBS_COLUMNS_TYPES]; // the one that was used last comes first
	bool json;
	bool own_text;    // the script writes the rows' text, and rows are no JSON
	bool own_formats; // the script has formatters for some columns, and rows are no JSON
};

// lua_columns.c

// The columns at `index`, or NULL.
struct script_columns *ebs_to_columns(lua_State *L, int index);

// Raises once they are finalized.
void ebs_columns_check_open(lua_State *L, const struct script_columns *self);

// Whether the script formats that column itself.
static inline bool ebs_columns_is_own(const struct script_columns *self, size_t column)
{
	return self->own_formats && ebs_columns_format(self->columns, column) &&
	       !ebs_columns_formatter(self->columns, column);
}

// Whether the script has a say in the rows' text.
static inline bool ebs_columns_call_script(const struct script_columns *self)
{
	return self->own_text || self->own_formats;
}

// Puts the text that the script's own formatter gives for a column in place of the value at
// `index`, unless that is nil. The columns are at index 1.
void ebs_columns_format_own(lua_State *L, size_t column, int index);

// Sends the row in `out` to standard output.
void ebs_columns_write(lua_State *L, struct script_columns *self);

// Pushes columns as bpf.columns(spec, options) makes them; options at `options`, or 0.
void ebs_columns_push(lua_State *L, const char *spec, int options, int argument);

// columns:record(values)
int ebs_columns_record(lua_State *L);

// columns_record.c

// A row of the view at index 2, of the columns at index 1.
void ebs_columns_write_view(lua_State *L, struct script_columns *self);

// Raises, as the fault of the columns at `index`, unless they fit records of this type (NULL: not
// known).
void ebs_columns_check(lua_State *L, int index, const struct ebs_layout *layout);

// A row of the record at `data`, of the columns at `index` that were checked for its type. What the
// script has to do with it gets a view that ends with the lifetime.
void ebs_columns_print(lua_State *L, int index, const struct ebs_layout *layout,
		       const uint8_t *data, size_t size, struct ebs_lifetime *lifetime);

// Rows of samples, of the columns at `index` in which the script has no say, and that were checked
// for the samples' type.
void ebs_columns_print_all(lua_State *L, int index, const struct ebs_layout *layout,
			   const struct ebs_sample *samples, size_t count);

// object:columns(map [, options])
int ebs_object_columns(lua_State *L);

#endif
