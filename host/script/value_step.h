// SPDX-License-Identifier: GPL-2.0-only
// Steps: what loops and handlers push for each entry, with all decided beforehand that can be.
#ifndef EBS_SCRIPT_VALUE_STEP_H
#define EBS_SCRIPT_VALUE_STEP_H

#include <string.h>

#include "script/value.h"

enum ebs_step_kind {
	EBS_STEP_OTHER, // arrays, records, bitfields and so on: by ebs_push_value() or _field()
	EBS_STEP_U8,
	EBS_STEP_U16,
	EBS_STEP_U32,
	EBS_STEP_S8,
	EBS_STEP_S16,
	EBS_STEP_S32,
	EBS_STEP_64, // signed or not: an integer of Lua is both
	EBS_STEP_STRING,
};

struct ebs_step {
	enum ebs_step_kind kind;
	uint32_t offset; // bytes from the start of the record or value
	uint32_t end;
	const struct ebs_field *field;   // of a record; else NULL, and
	const struct ebs_layout *layout; // the whole value's, or NULL: bytes
};

// A field of a record, and a value as a whole. A step needs no release.
struct ebs_step ebs_step_field(const struct ebs_field *field);
struct ebs_step ebs_step_value(const struct ebs_layout *layout, uint32_t size);

// Pushes what ebs_push_field() and ebs_push_value() would.
void ebs_push_step_slowly(lua_State *L, const struct ebs_step *step, const uint8_t *data,
			  size_t size);

// The same, quick for integers and text. `data` is the start of the record or value, of which
// `size` bytes exist.
static inline void ebs_push_step(lua_State *L, const struct ebs_step *step, const uint8_t *data,
				 size_t size)
{
	const uint8_t *at = data + step->offset;
	uint16_t value16;
	uint32_t value32;
	int64_t value64;

	switch (step->end <= size ? step->kind : EBS_STEP_OTHER) {
	case EBS_STEP_U8:
		lua_pushinteger(L, *at);
		return;
	case EBS_STEP_S8:
		lua_pushinteger(L, (int8_t)*at);
		return;
	case EBS_STEP_U16:
		memcpy(&value16, at, 2);
		lua_pushinteger(L, value16);
		return;
	case EBS_STEP_S16:
		memcpy(&value16, at, 2);
		lua_pushinteger(L, (int16_t)value16);
		return;
	case EBS_STEP_U32:
		memcpy(&value32, at, 4);
		lua_pushinteger(L, value32);
		return;
	case EBS_STEP_S32:
		memcpy(&value32, at, 4);
		lua_pushinteger(L, (int32_t)value32);
		return;
	case EBS_STEP_64:
		memcpy(&value64, at, 8);
		lua_pushinteger(L, value64);
		return;
	case EBS_STEP_STRING:
		lua_pushlstring(L, (const char *)at,
				strnlen((const char *)at, step->end - step->offset));
		return;
	case EBS_STEP_OTHER:
		break;
	}
	ebs_push_step_slowly(L, step, data, size);
}

#endif
