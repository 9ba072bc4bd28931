// SPDX-License-Identifier: GPL-2.0-only
// The userdata classes of a loaded object and its parts, for the files that implement them.
#ifndef EBS_SCRIPT_OBJECT_H
#define EBS_SCRIPT_OBJECT_H

#include "compile/cache.h"
#include "kernel/attach.h"
#include "kernel/object.h"
#include "script/lifetime.h"
#include "script/state.h"

#define EBS_OBJECT_CLASS  "bpf.Object"
#define EBS_PROGRAM_CLASS "bpf.Program"
#define EBS_MAP_CLASS     "bpf.Map"
#define EBS_LINK_CLASS    "bpf.Link"

struct script_link;
struct script_handler;
struct script_walk;

// User value 1 is a table that keeps the object's links and handlers alive: they end with the
// object, not when the script lets go of them. From the first link or handler on, the registry
// keeps the object alive in the same way, until close().
struct script_object {
	struct ebs_object
		*handle; // NULL until opened, and once finalized: what is part of it is gone
	bool open;       // loaded and not closed yet
	struct ebs_cache_key key; // what the cache has it under, if it does
	struct ebs_state *state;
	struct script_link *links;
	struct script_handler *handlers;
	struct ebs_weight weight;
	struct script_walk *walks;    // loops over its maps that are not at their end
	struct ebs_lifetime lifetime; // of views of its variables
	int64_t losses_told_at;       // when a notice of losses was given, CLOCK_MONOTONIC ns
	int64_t missed_read_at;       // when the kernel was asked for missed runs
	struct script_object *next;   // in state->objects, while it is anchored
	bool anchored;
	unsigned reading; // handlers that are being called
	bool drained;     // its ring buffers have been read for the last time in this run
};

// Pushes a new, closed object.
struct script_object *ebs_object_new(lua_State *L);

// The object at `index`; raises when it is none, or closed.
struct script_object *ebs_check_object(lua_State *L, int index);

// Makes `object`, which is at `index`, live until it is closed, and keeps the value on the top of
// the stack alive with it. Pops that value.
void ebs_object_keep(lua_State *L, int index, struct script_object *object);
// Lets go of the value again, whose address is `value`.
void ebs_object_unkeep(lua_State *L, int index, const void *value);

// Each pushes the userdata of a part of the object at `index`.
void ebs_push_program(lua_State *L, int index, struct ebs_program *program);
// The program at `index`; raises when it is none, or its object is closed.
struct ebs_program *ebs_check_program(lua_State *L, int index);
void ebs_push_map(lua_State *L, int index, struct ebs_map *map);
// Attaches and pushes the link. Returns 0, or -errno with `error` filled and nothing pushed.
int ebs_push_new_link(lua_State *L, int index, struct ebs_program *program,
		      const struct ebs_attach_options *options, struct ebs_error *error);

// lua_link.c: says, once, that a failure to attach has left the script with nothing attached. Its
// results may be dropped: then the script would go on as if nothing happened.
void ebs_tell_unattached(struct ebs_state *state);

// lua_globals.c: pushes the variables of the object at `index`.
void ebs_push_globals(lua_State *L, int index);

// Called when the object closes.
void ebs_links_close(struct script_object *object);
void ebs_handlers_close(struct script_object *object);
// Called when it is finalized, as what views show has its types: lua_walk.c.
void ebs_walks_end(struct script_object *object);

// events.c: object:on_event(map, handler [, options]).
int ebs_object_on_event(lua_State *L);
void ebs_register_handler(lua_State *L);
// Hands over what is left in all ring buffers of the object, at the end of bpf.run(). Returns 0, or
// a negative number when a handler failed, or when after a signal the time was over.
int ebs_handlers_drain(struct script_object *object);
// In that case: counts what is left in all buffers, and tells.
void ebs_handlers_tell_left(struct ebs_state *state);
// Before the loop sleeps: hands over samples that the kernel was told not to wake anybody for.
int ebs_handlers_look(struct ebs_state *state);
// Before a run of the loop: it is to tell when there is something to read. Returns 0, or a negative
// number with `error` filled.
int ebs_handlers_watch(struct ebs_state *state, struct ebs_error *error);

// losses.c: tells, at most once a second, what was lost since the last notice; and what was lost in
// all.
void ebs_tell_losses(struct script_object *object);
void ebs_tell_total_losses(struct script_object *object);
int ebs_object_push_losses(lua_State *L); // object:losses()

#endif
