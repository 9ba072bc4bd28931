// SPDX-License-Identifier: GPL-2.0-only
// The table of views: slots that are taken, found again, and given back when a lifetime ends.
#include "script/lifetime.h"

#include <stdlib.h>

static uint32_t *head_of(const struct ebs_views *views, const struct ebs_view *view)
{
	uint64_t key = ((uintptr_t)view->data ^ (uintptr_t)view->layout << 7) *
		       UINT64_C(0x9e3779b97f4a7c15);

	return &views->heads[key >> 32 & (views->capacity - 1)];
}

static void chain(struct ebs_views *views, uint32_t slot)
{
	uint32_t *head = head_of(views, &views->slots[slot]);

	views->slots[slot].chained = *head;
	*head = slot;
}

static void unchain(struct ebs_views *views, uint32_t slot)
{
	uint32_t *place = head_of(views, &views->slots[slot]);

	while (*place != slot)
		place = &views->slots[*place].chained;
	*place = views->slots[slot].chained;
}

// All slots are taken: twice as many.
static bool grow(struct ebs_views *views)
{
	uint32_t capacity = views->capacity ? views->capacity * 2 : 64;
	if (capacity > 1u << EBS_VIEW_SLOT_BITS)
		return false;
	struct ebs_view *slots = reallocarray(views->slots, capacity, sizeof(*slots));
	if (!slots)
		return false;
	views->slots = slots;
	uint32_t *heads = calloc(capacity, sizeof(*heads));
	if (!heads)
		return false;
	free(views->heads);
	views->heads = heads;

	uint32_t used = views->capacity;
	views->capacity = capacity;
	for (uint32_t slot = 1; slot < used; slot++)
		if (!slots[slot].reserved)
			chain(views, slot);
	for (uint32_t slot = capacity - 1; slot > 0 && slot >= used; slot--) {
		slots[slot] = (struct ebs_view){ .next = views->free };
		views->free = slot;
	}
	slots[0] = (struct ebs_view){ 0 };
	return true;
}

static bool is_like(const struct ebs_view *view, const struct ebs_view *like)
{
	return view->data == like->data && view->layout == like->layout &&
	       view->size == like->size && view->lifetime == like->lifetime;
}

void *ebs_view_open(struct ebs_views *views, const struct ebs_view *like)
{
	struct ebs_view wanted = *like; // growing may move it
	uint32_t slot = views->capacity ? *head_of(views, &wanted) : 0;

	while (slot && !is_like(&views->slots[slot], &wanted))
		slot = views->slots[slot].chained;
	if (!slot) {
		if (!views->free && !grow(views))
			return NULL;
		slot = views->free;
		struct ebs_view *view = &views->slots[slot];
		views->free = view->next;
		view->layout = wanted.layout;
		view->data = wanted.data;
		view->size = wanted.size;
		view->lifetime = wanted.lifetime;
		view->next = wanted.lifetime->first;
		view->lifetime->first = slot;
		chain(views, slot);
	}
	return ebs_view_handle(views, slot);
}

uint32_t ebs_view_reserve(struct ebs_views *views)
{
	if (!views->free && !grow(views))
		return 0;
	uint32_t slot = views->free;

	views->free = views->slots[slot].next;
	views->slots[slot].next = 0;
	views->slots[slot].reserved = true;
	return slot;
}

void ebs_view_give_back(struct ebs_views *views, uint32_t slot)
{
	if (!slot)
		return;
	ebs_view_hide(views, slot);
	views->slots[slot].reserved = false;
	views->slots[slot].next = views->free;
	views->free = slot;
}

void ebs_views_end(struct ebs_views *views, struct ebs_lifetime *lifetime)
{
	while (lifetime->first) {
		uint32_t slot = lifetime->first;
		struct ebs_view *view = &views->slots[slot];

		unchain(views, slot);
		view->layout = NULL;
		view->number++;
		lifetime->first = view->next;
		view->next = views->free;
		views->free = slot;
	}
}

void ebs_views_free(struct ebs_views *views)
{
	free(views->slots);
	free(views->heads);
	*views = (struct ebs_views){ 0 };
}
