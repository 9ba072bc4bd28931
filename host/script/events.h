// SPDX-License-Identifier: GPL-2.0-only
// What the files share that bring samples to handlers: events.c, event_types.c, event_read.c.
#ifndef EBS_SCRIPT_EVENTS_H
#define EBS_SCRIPT_EVENTS_H

#include "kernel/ring.h"
#include "script/object.h"
#include "script/value_step.h"

#define EBS_MAX_EVENT_TYPES  64 // in one buffer
#define EBS_MAX_EVENT_FIELDS 64 // that a handler takes as arguments
#define EBS_EVENT_BATCH      16 // samples, whose space is given back together

// One type of samples, and how they reach their function.
struct ebs_event_plan {
	const struct ebs_layout *layout; // NULL: bytes as a string
	bool wanted;                     // there is a function for it
	bool columns;                    // the function is columns
	int count;                       // arguments; -1: one argument, the whole sample
	struct ebs_step *steps;          // one for each argument, in memory of a user value
	size_t words;     // bytes of a sample from which on all steps are words; SIZE_MAX: never
	size_t size;      // of a sample that is whole
	size_t view_size; // what a view shows at most; 0: it takes no view
	bool rest;        // it takes the bytes behind the type, or there can't be any
	int64_t tag;      // the value of the tag that stands for it
};

struct script_handler {
	struct script_object *object;
	struct ebs_map *map;
	const char *source; // the map that the C sends to, by name: of an inner map the outer one
	struct ebs_ring *ring;
	struct ebs_watch *watch;
	uint32_t view;                // the slot of a sample that is seen as a whole
	struct ebs_lifetime lifetime; // of views
	const struct ebs_layout *tag; // what tells the types apart; NULL: their sizes
	uint32_t tag_offset;          // in all types
	int readings;                 // up to FIRST_READINGS
	bool long_told;               // that some samples are longer than their type
	bool busy;                    // its ring is being read
	bool late;                    // the reading has had its time; there may be more
	bool slow;                    // a sample takes long
	int64_t until;                // the end of that time, CLOCK_MONOTONIC ns
	bool coarse;                  // the coarse clock will do
	int64_t looked_at;            // the clock, likewise
	struct script_handler *next;  // in object->handlers
	unsigned turn;                // of the loop, in which it was looked at before sleeping
	// How busy the buffer is: what was read since a moment, CLOCK_MONOTONIC ns.
	int64_t since;
	size_t samples;
	size_t bytes;
	size_t fresh; // samples of this reading, also the one that a function failed at
	size_t taken; // those before the current batch
	struct ebs_sample batch[EBS_EVENT_BATCH];
	int plan_count;
	struct ebs_event_plan plans[EBS_MAX_EVENT_TYPES];
};

// User values of a handler: the object, the plans' functions (a sequence), their steps, and an
// inner map's userdata.
enum { EBS_HANDLER_OBJECT = 1, EBS_HANDLER_FUNCTIONS, EBS_HANDLER_STEPS, EBS_HANDLER_MAP };
#define EBS_HANDLER_VALUES EBS_HANDLER_MAP

// event_types.c: makes the plans of the handler on the top of the stack, from on_event()'s
// arguments: the function or functions at 3, the options at 4. Raises what is wrong with them.
void ebs_handler_plan(lua_State *L, struct script_handler *handler);

// event_pace.c: told of each reading, puts off the next one where there is much to read.
void ebs_handler_pace(struct script_handler *handler, size_t samples, size_t bytes);

// event_read.c: hands over what the handler's buffer holds, up to that time (CLOCK_MONOTONIC ns),
// and sees to it that the rest has its turn. Returns 0, or -ECANCELED when a function failed. The
// handler must be kept from being collected.
int ebs_handler_read(struct script_handler *handler, int64_t until);
// Until when a reading in the loop may go on from now: all handlers share 10 ms.
int64_t ebs_handler_share(const struct script_handler *handler);

// No view of a sample outlives the handler's call.
static inline void ebs_handler_end_views(struct script_handler *handler)
{
	struct ebs_views *views = &handler->object->state->views;

	ebs_view_hide(views, handler->view);
	ebs_lifetime_end(views, &handler->lifetime);
}

// events.c: no more samples; harmless when repeated.
void ebs_handler_release(struct script_handler *handler);

#endif
