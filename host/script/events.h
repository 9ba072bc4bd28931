// SPDX-License-Identifier: GPL-2.0-only
// What the files share that bring samples to handlers: events.c, event_types.c, event_read.c.
#ifndef EBS_SCRIPT_EVENTS_H
#define EBS_SCRIPT_EVENTS_H

#include "kernel/ring.h"
#include "script/object.h"
#include "script/value.h"

#define EBS_MAX_EVENT_TYPES  64 // in one buffer
#define EBS_MAX_EVENT_FIELDS 64 // that a handler takes as arguments

// One type of samples, and how they reach their function.
struct ebs_event_plan {
	const struct ebs_layout *layout; // NULL: bytes as a string
	bool wanted;                     // there is a function for it
	bool columns;                    // the function is columns
	int count;                       // arguments; -1: one argument, the whole sample
	const struct ebs_field **fields; // one for each argument, in memory of a user value
	size_t size;                     // of a sample that is whole
	int64_t tag;                     // the value of the tag that stands for it
};

struct script_handler {
	struct script_object *object;
	struct ebs_map *map;
	struct ebs_ring *ring;
	struct ebs_watch *watch;
	struct ebs_lifetime lifetime; // of views
	const struct ebs_layout *tag; // what tells the types apart; NULL: their sizes
	uint32_t tag_offset;          // in all types
	int readings;                 // up to FIRST_READINGS
	bool busy;                    // its ring is being read
	struct script_handler *next;  // in object->handlers
	int plan_count;
	struct ebs_event_plan plans[EBS_MAX_EVENT_TYPES];
};

// User values of a handler: the object, the plans' functions (a sequence), and their fields.
enum { EBS_HANDLER_OBJECT = 1, EBS_HANDLER_FUNCTIONS, EBS_HANDLER_FIELDS };
#define EBS_HANDLER_VALUES EBS_HANDLER_FIELDS

// event_types.c: makes the plans of the handler on the top of the stack, from on_event()'s
// arguments: the function or functions at 3, the options at 4. Raises what is wrong with them.
void ebs_handler_plan(lua_State *L, struct script_handler *handler);

// event_read.c: hands over what the handler's buffer holds. Returns 0, or -ECANCELED when a
// function failed. The handler must be kept from being collected.
int ebs_handler_read(struct script_handler *handler);

// No view of a sample outlives the handler's call.
static inline void ebs_handler_end_views(struct script_handler *handler)
{
	ebs_lifetime_end(&handler->object->state->views, &handler->lifetime);
}

// events.c: no more samples; harmless when repeated.
void ebs_handler_release(struct script_handler *handler);

#endif
