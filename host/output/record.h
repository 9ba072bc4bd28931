// SPDX-License-Identifier: GPL-2.0-only
// Rows of records as C has them: fields go from bytes to columns, and no value in between.
#ifndef EBS_OUTPUT_RECORD_H
#define EBS_OUTPUT_RECORD_H

#include "output/columns.h"
#include "types/layout.h"

// How the columns find their values in one type of records.
struct ebs_record;

// Each column's name is that of a field, or of a field in a field: "peer.port". NULL with `error`
// filled when there is none of that name, or memory is short. `columns` must outlive it,
// and `layout` each use.
struct ebs_record *ebs_record_new(const struct ebs_columns *columns,
				  const struct ebs_layout *layout, struct ebs_error *error);
void ebs_record_free(struct ebs_record *record);

// Whether it was made for this layout. The one that it was made for may be gone meanwhile.
bool ebs_record_fits(const struct ebs_record *record, const struct ebs_layout *layout);

// Where the value of the column at `index` is in the record.
const struct ebs_field *ebs_record_field(const struct ebs_record *record, size_t index);

// Writes the next column's value. `size` bytes of the record exist; fields behind them are null,
// text and bytes that reach there are shortened. Integers of unsigned types are unsigned, nested
// records and arrays become records and lists.
void ebs_record_cell(const struct ebs_record *record, struct ebs_row *row, const uint8_t *data,
		     size_t size);

// Appends a whole row.
void ebs_record_append(const struct ebs_record *record, const uint8_t *data, size_t size,
		       struct ebs_buffer *out);

// Writes a value that no column belongs to by its type: a record in a list, say.
void ebs_row_value(struct ebs_row *row, const struct ebs_layout *layout, const uint8_t *data,
		   size_t size);

// Appends a spec with a column for each field, as wide as its kind asks for.
void ebs_record_spec(const struct ebs_layout *layout, struct ebs_buffer *spec);

#endif
