// SPDX-License-Identifier: GPL-2.0-only
// Steps: what loops and handlers push for each entry, with all decided beforehand that can be.
#ifndef EBS_SCRIPT_VALUE_STEP_H
#define EBS_SCRIPT_VALUE_STEP_H

#include "script/value.h"
#include "types/word.h"

enum ebs_step_kind {
	EBS_STEP_OTHER, // arrays, records, floats and so on: by ebs_push_value() or _field()
	EBS_STEP_WORD,  // an integer or bitfield within eight bytes of the record: most fields are
	EBS_STEP_SHORT, // an integer of a record or value that has no eight bytes
	EBS_STEP_STRING,
	EBS_STEP_REST, // the bytes behind the record
};

struct ebs_step {
	enum ebs_step_kind kind;
	uint32_t offset; // bytes from the start of the record or value
	uint32_t end;    // of what is read
	struct ebs_word word;
	const struct ebs_field *field;   // of a record; else NULL, and
	const struct ebs_layout *layout; // the whole value's, or NULL: bytes
};

// A field of a record of so many bytes, and a value as a whole. A step needs no release.
struct ebs_step ebs_step_field(const struct ebs_field *field, uint32_t record_size);
struct ebs_step ebs_step_value(const struct ebs_layout *layout, uint32_t size);
// The bytes behind a record of so many bytes, as a string: empty unless there are more than
// `padded` bytes.
struct ebs_step ebs_step_rest(uint32_t record_size, uint32_t padded);

// The size of a record or value from which on ebs_push_word() pushes all of the steps; SIZE_MAX
// where some are of another kind.
size_t ebs_steps_words(const struct ebs_step *steps, int count);

// Pushes what ebs_push_field() and ebs_push_value() would.
void ebs_push_step_slowly(lua_State *L, const struct ebs_step *step, const uint8_t *data,
			  size_t size);

// The same for WORD only, all of whose bytes exist.
static inline void ebs_push_word(lua_State *L, const struct ebs_step *step, const uint8_t *data)
{
	lua_pushinteger(L, ebs_word_load(&step->word, data));
}

// The same, quick for integers. `data` is the start of the record or value, of which `size` bytes
// exist.
static inline void ebs_push_step(lua_State *L, const struct ebs_step *step, const uint8_t *data,
				 size_t size)
{
	if (step->kind == EBS_STEP_WORD && step->end <= size)
		ebs_push_word(L, step, data);
	else
		ebs_push_step_slowly(L, step, data, size);
}

#endif
