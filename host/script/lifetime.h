// SPDX-License-Identifier: GPL-2.0-only
// Which views are in their time, and what they show.
#ifndef EBS_SCRIPT_LIFETIME_H
#define EBS_SCRIPT_LIFETIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ebs_layout;

// What the views of one sample, of one turn of a loop, of one object's variables end with. Belongs
// to whoever owns the bytes; starts with { 0 }.
struct ebs_lifetime {
	uint32_t first; // slot of a view, or 0
	bool shared;    // others may write the bytes meanwhile: programs, another process
};

// To Lua a view is light userdata: nothing is allocated, nothing is left to be collected. Its
// pointer is a handle: the number of a slot, and which of the views that this slot stood for it is.
// When a view's time ends its slot counts on, so a handle that was kept fits no more.
struct ebs_view {
	const struct ebs_layout *layout; // RECORD or ARRAY; NULL in a free slot
	const uint8_t *data;
	size_t size; // bytes of `data` that exist
	struct ebs_lifetime *lifetime;

	uint64_t number;  // which of this slot's views it is
	bool reserved;    // by ebs_view_reserve(): in no chain
	uint32_t next;    // of the same lifetime, or among free ones: slot, or 0
	uint32_t chained; // among those with the same hash: slot, or 0
};

// All views of a Lua state; starts with { 0 }.
struct ebs_views {
	struct ebs_view *slots; // the first one is not used
	uint32_t *heads;        // chains, by hash of a view's place and layout
	uint32_t capacity;      // of both: 0 or a power of two
	uint32_t free;          // slot, or 0
};

// A handle is odd, to be told from the light userdata of Lua modules in C, mostly pointers.
enum { EBS_VIEW_SLOT_BITS = 23, EBS_VIEW_NUMBER_BITS = 40 };

// The handle of a view like this one (its first four members): the one that the lifetime has
// already, else a new one. NULL when memory is short.
void *ebs_view_open(struct ebs_views *views, const struct ebs_view *like);

// A slot of one's own, for who shows one record after the other under the same conditions: shown
// and hidden in no time, but not found by ebs_view_open(). 0 when memory is short.
uint32_t ebs_view_reserve(struct ebs_views *views);
// Harmless for slot 0.
void ebs_view_give_back(struct ebs_views *views, uint32_t slot);

static inline void *ebs_view_handle(const struct ebs_views *views, uint32_t slot)
{
	uint64_t number = views->slots[slot].number << (EBS_VIEW_SLOT_BITS + 1);

	return (void *)(uintptr_t)(number | (uint64_t)slot << 1 | 1);
}

// The handle of a view like this one in a slot of one's own, which is hidden.
static inline void *ebs_view_show(struct ebs_views *views, uint32_t slot,
				  const struct ebs_view *like)
{
	struct ebs_view *view = &views->slots[slot];

	view->layout = like->layout;
	view->data = like->data;
	view->size = like->size;
	view->lifetime = like->lifetime;
	return ebs_view_handle(views, slot);
}

// The view's time is over. Harmless when it is hidden, and for slot 0.
static inline void ebs_view_hide(struct ebs_views *views, uint32_t slot)
{
	if (!slot || !views->slots[slot].layout)
		return;
	views->slots[slot].layout = NULL;
	views->slots[slot].number++;
}

static inline bool ebs_is_view(const void *handle)
{
	return (uintptr_t)handle & 1;
}

// What a handle stands for, to be used before the next view is opened; NULL when its time is over.
static inline const struct ebs_view *ebs_view_find(const struct ebs_views *views,
						   const void *handle)
{
	uint64_t bits = (uintptr_t)handle;
	uint64_t slot = bits >> 1 & ((UINT64_C(1) << EBS_VIEW_SLOT_BITS) - 1);
	uint64_t mask = (UINT64_C(1) << EBS_VIEW_NUMBER_BITS) - 1;

	if (!ebs_is_view(handle) || slot >= views->capacity)
		return NULL;
	const struct ebs_view *view = &views->slots[slot];
	bool same = (view->number & mask) == bits >> (EBS_VIEW_SLOT_BITS + 1);
	return same && view->layout ? view : NULL;
}

// The lifetime's views may not be used any more. It can begin anew.
void ebs_views_end(struct ebs_views *views, struct ebs_lifetime *lifetime);
static inline void ebs_lifetime_end(struct ebs_views *views, struct ebs_lifetime *lifetime)
{
	if (lifetime->first)
		ebs_views_end(views, lifetime);
}

void ebs_views_free(struct ebs_views *views);

#endif
