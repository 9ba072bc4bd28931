// SPDX-License-Identifier: GPL-2.0-only
// What of some BTF belongs together: chosen types, and all that they cannot be described without.
#ifndef EBS_TYPES_CLOSURE_H
#define EBS_TYPES_CLOSURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "types/btf_blob.h"
#include "types/names.h"

enum ebs_part {
	EBS_PART_NONE,
	EBS_PART_STUB,  // reached through pointers only: of a struct or union, its name is enough
	EBS_PART_WHOLE, // with its members, and what these need
};

struct ebs_closure_item {
	uint32_t id;
	enum ebs_part part;
};

struct ebs_closure {
	const struct ebs_btf_blob *blob;
	// For C text: what the language needs to know, and whole types behind pointer members that
	// have a name of this set. NULL for relocations, which never look behind a pointer.
	const struct ebs_names *followed;
	uint8_t *parts; // by id: enum ebs_part
	struct ebs_closure_item *waiting;
	size_t waiting_count;
	size_t waiting_capacity;
	int result; // the first failure: -EINVAL, a type refers to none; -ENOMEM
};

// Returns 0 or -ENOMEM; the blob and the names must stay.
int ebs_closure_begin(struct ebs_closure *closure, const struct ebs_btf_blob *blob,
		      const struct ebs_names *followed);

// Chooses a type.
void ebs_closure_add(struct ebs_closure *closure, uint32_t id);

// Chooses what the type points to, too.
void ebs_closure_follow(struct ebs_closure *closure, uint32_t id);

// Takes along what the chosen ones need. Returns 0 or -errno.
int ebs_closure_complete(struct ebs_closure *closure);

// Makes BTF of the chosen types alone, in their order, with ids of their own. For relocations stubs
// keep kind, name and size; for C text they become forward declarations, one for each name, and
// types and enumerators that the C defines itself (`followed` says) get names that don't clash.
// `out` starts empty. Returns 0, -ENOMEM, or -EINVAL or -ELOOP for BTF that contradicts itself.
int ebs_closure_write(const struct ebs_closure *closure, struct ebs_buffer *out);

void ebs_closure_end(struct ebs_closure *closure);

// Whether libbpf, which looks no closer, can use the types: none contains itself, or is nested too
// deep for functions that call themselves; members and elements have sizes, and no struct is mostly
// empty. Returns 0, -ELOOP, -EINVAL or -ENOMEM.
int ebs_btf_check(const struct ebs_btf_blob *blob);

#endif
