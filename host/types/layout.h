// SPDX-License-Identifier: GPL-2.0-only
// What the bytes of a BTF type mean, flattened for fast decoding.
#ifndef EBS_TYPES_LAYOUT_H
#define EBS_TYPES_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct btf;
struct ebs_types;

enum ebs_kind {
	EBS_SIGNED,   // integers of 1, 2, 4 or 8 bytes, enums, and bitfields of them
	EBS_UNSIGNED, // the same; pointers too
	EBS_BOOL,
	EBS_FLOAT,  // 4 or 8 bytes
	EBS_STRING, // char[N]: text, see ebs_text_size()
	EBS_BYTES,  // unsigned char[N], __int128, and whatever has no better meaning
	EBS_ARRAY,
	EBS_RECORD, // struct or union
};

struct ebs_layout {
	enum ebs_kind kind;
	uint32_t size;           // bytes; 0 for a flexible array
	uint32_t type_id;        // in the BTF that it comes from
	struct ebs_types *types; // whose layout it is
	uint64_t serial; // no two layouts of a process have the same, not even at the same address
	bool flexible;   // declared without a length, or a record with such a field: reaches to
			 // the sample's end
	bool stored;     // of what maps and variables hold, and keys: see ebs_text_size()
	bool is_signed;  // of __int128, which is BYTES; else the kind tells
	char *name;      // as in C: "struct event", "__u32", "char[16]", "struct (anonymous)"

	const struct ebs_layout *element; // ARRAY
	uint32_t count;                   // ARRAY: elements

	struct ebs_field *fields; // RECORD: in order, members of anonymous members among them
	uint32_t field_count;
	struct ebs_pinned_names *pinned; // RECORD: see ebs_layout_pin()
};

struct ebs_field {
	const char *name;
	const struct ebs_layout *layout;
	uint32_t offset; // bytes from the record's start; of a bitfield: of the byte that its first
			 // bit is in
	uint8_t bit_size;   // bits of a bitfield, else 0
	uint8_t bit_offset; // bits from that byte's start in the order that the machine counts them
};

// The layouts of one BTF object, made when first asked for. They hold a copy of `btf`. NULL with
// errno set.
struct ebs_types;
struct ebs_types *ebs_types_new(const struct btf *btf);
// Bytes of the BTF.
size_t ebs_types_size(const struct ebs_types *types);
// Of BTF that the kernel has, by its id. NULL with errno set.
struct ebs_types *ebs_types_from_kernel(uint32_t btf_id);
void ebs_types_free(struct ebs_types *types);

// The layout of a type, owned by `types`. Qualifiers and typedefs are looked through, though `name`
// keeps the typedef's. NULL with `error` filled when the BTF is broken or memory is short.
const struct ebs_layout *ebs_types_layout(struct ebs_types *types, uint32_t type_id,
					  struct ebs_error *error);

// The same for a map's keys and values and for variables, of which no byte may be left out.
const struct ebs_layout *ebs_types_stored_layout(struct ebs_types *types, uint32_t type_id,
						 struct ebs_error *error);

// The type that is written "struct NAME", "union NAME", "enum NAME" or as a plain name (a typedef
// or a base type; else a struct, union or enum of that name). 0 when there is none.
uint32_t ebs_types_find(struct ebs_types *types, const char *name);

// How many of the `size` bytes of a STRING are its text: those before the first NUL. Of what is
// stored all bytes are, unless those behind the NUL are zero. So two keys never look alike. The
// memory of samples was used before, and what lies behind the NUL has no meaning there.
size_t ebs_text_size(const struct ebs_layout *layout, const uint8_t *data, size_t size);

// The field of a record, or NULL.
const struct ebs_field *ebs_layout_field(const struct ebs_layout *layout, const char *name);

// The same without comparing texts, for addresses that were pinned: the name that is there stays
// as long as the layout. NULL for others.
const struct ebs_field *ebs_layout_pinned_field(const struct ebs_layout *layout, const char *name);
void ebs_layout_pin(const struct ebs_layout *layout, const char *name,
		    const struct ebs_field *field);

// Whether bytes of one layout mean the same in the other: all offsets, kinds and names of fields
// are equal, and just the types' own names may differ.
bool ebs_layout_equal(const struct ebs_layout *one, const struct ebs_layout *other);

// Below 0 when the value at `one` comes before that at `other`, 0 only when all bytes are the same.
// Numbers go by their size, text and bytes from the first byte on, records and arrays by their
// first difference. `size` is that of both; `layout` NULL: bytes.
int ebs_layout_compare(const struct ebs_layout *layout, const uint8_t *one, const uint8_t *other,
		       size_t size);

// The integer in a bitfield of the record at `record`, sign-extended when the field is signed. For
// bitfields up to 64 bits.
int64_t ebs_bitfield_get(const struct ebs_field *field, const uint8_t *record);
void ebs_bitfield_set(const struct ebs_field *field, uint8_t *record, uint64_t value);

// The same for bitfields of __int128, whose layout is BYTES: as its 16 bytes. ebs_bitfield_fits():
// does the integer in the 16 bytes have no more bits than the field?
void ebs_bitfield_get_bytes(const struct ebs_field *field, const uint8_t *record, uint8_t *out);
void ebs_bitfield_set_bytes(const struct ebs_field *field, uint8_t *record, const uint8_t *bytes);
bool ebs_bitfield_fits(const struct ebs_field *field, const uint8_t *bytes);

// One variable of a data section such as ".rodata".
struct ebs_variable {
	const char *name;
	uint32_t offset; // bytes from the section's start
	const struct ebs_layout *layout;
};

// Calls `visit` for each variable of the section until it returns non-zero. Returns that number, 0
// at the end or when there is no such section, or -errno with `error` filled.
int ebs_types_variables(struct ebs_types *types, const char *section,
			int (*visit)(void *context, const struct ebs_variable *variable),
			void *context, struct ebs_error *error);

// The types of the samples that the C puts into the ring or perf buffer `map`: what __type(value,
// ...) says, else those that the compiler step (or a macro) hung on the map's "type" member, or on
// a variable where the map is one in a map of maps. Fills up to `limit` entries and returns how
// many there are (0: unknown), or -errno with `error` filled.
int ebs_types_samples(struct ebs_types *types, const char *map, const struct ebs_layout **samples,
		      int limit, struct ebs_error *error);

// The same for what an iterator program writes with bpf_seq_write(). 0: none, it writes text.
int ebs_types_records(struct ebs_types *types, const char *program,
		      const struct ebs_layout **records, int limit, struct ebs_error *error);

// One enumerator of an enum, in order; NULL past the last one. `value` as a 64-bit two's
// complement.
const char *ebs_types_enumerator(struct ebs_types *types, uint32_t type_id, uint32_t index,
				 int64_t *value);

#endif
