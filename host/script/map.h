// SPDX-License-Identifier: GPL-2.0-only
// The class bpf.Map, for the files that implement its methods.
#ifndef EBS_SCRIPT_MAP_H
#define EBS_SCRIPT_MAP_H

#include "kernel/map_owner.h"
#include "script/object.h"

struct ebs_step;

// A map of an object, which user value 1 keeps alive; or one that the script opened itself.
struct script_map {
	struct script_object *object; // that its types are from, alive as long as this; or NULL
	struct ebs_map *map; // open while its descriptor is; NULL only before the script sees it
	bool own;            // it has no object, and ends with close() or with this userdata
	struct ebs_weight weight; // of a map of its own
	uint8_t *bytes;           // a key, then a value, for the calls below; in user value 2
};

// The map at `index`; raises when it is none, or closed.
struct script_map *ebs_check_map(lua_State *L, int index);
// The same; raises also when the map's kind hasn't the ability, and says what it has.
struct script_map *ebs_check_map_can(lua_State *L, int index, enum ebs_map_ability ability);
bool ebs_map_is_open(const struct script_map *self);
// Whether there is something to be read of it, closed or not: neither it nor its object has been
// finalized.
bool ebs_map_is_there(const struct script_map *self);

// Pushes a map of the script's own that has nothing yet; its `map` comes next, then
// ebs_finish_own_map() with the userdata on the top; `made`: it ends when it is closed. What is at
// `owner` is kept alive; 0: nothing.
struct script_map *ebs_push_own_map(lua_State *L, int owner);
void ebs_finish_own_map(lua_State *L, struct script_map *self, bool made);

// map_keys.c: the key at `index`, written to `out`. Where it is a descriptor of what the entry
// belongs to, that is left to ebs_map_owner_open(), as nothing may raise while it is open. Raises
// when it doesn't fit.
void ebs_read_map_key(lua_State *L, const struct script_map *self, int index, uint8_t *out,
		      struct ebs_map_owner *owner);
// Opens the owner; collects garbage and tries once more where there are too many open files.
int ebs_open_owner(lua_State *L, struct ebs_map_owner *owner, uint8_t *out,
		   struct ebs_error *error);
// The owner at `index`, as a descriptor or a table such as { pid = 1 }.
void ebs_read_map_owner(lua_State *L, int index, enum ebs_key_form form, const char *what,
			uint8_t *out, struct ebs_map_owner *owner);
// One part of an entry, at `index`, of which the fault is that of argument `argument`: as its
// layout says, else a string of just the right size.
void ebs_read_map_part(lua_State *L, int argument, int index, const struct script_map *self,
		       const struct ebs_layout *layout, uint32_t size, uint8_t *out,
		       const char *what);

// lua_map.c: ebs_map_set(), once more where the kernel is out of memory.
int ebs_set_entry(lua_State *L, const struct script_map *self, const void *key, const void *value,
		  uint64_t flags, struct ebs_error *error);

// map_values.c: likewise for values.
void ebs_read_map_value(lua_State *L, const struct script_map *self, int index, uint8_t *out,
			struct ebs_map_owner *owner);
// Pushes a value as get() gives it; the map is at `index`. An inner map that is gone meanwhile is
// nil. Returns 0, or -errno with `error` filled and nothing pushed.
int ebs_push_map_value(lua_State *L, int index, const struct script_map *self, const uint8_t *value,
		       struct ebs_error *error);
// Pushes a per-CPU value, or a field of it: a sequence with one for each CPU.
void ebs_push_cpus(lua_State *L, const struct ebs_map *map, const struct ebs_step *step,
		   const uint8_t *value);

// Where get() and others have the value: behind the key.
static inline uint8_t *ebs_value_bytes(const struct script_map *self)
{
	return self->bytes + self->map->key_size;
}

// What a lookup found, there: nil when it found nothing, else the value, or the failure. The map is
// at index 1. Returns the number of results.
int ebs_push_found(lua_State *L, struct script_map *self, int found, struct ebs_error *error);

// BPF_ANY, BPF_EXIST or BPF_NOEXIST for the word at `index`, or for none.
uint64_t ebs_check_map_flag(lua_State *L, int index);

// lua_submit.c: map:submit().
int ebs_map_submit_value(lua_State *L);

// lua_walk.c: the field of the map's values that the argument at `index` names; raises when there
// is none.
const struct ebs_field *ebs_check_value_field(lua_State *L, int index, const struct ebs_map *map);

// lua_top.c: map:top().
int ebs_map_top_method(lua_State *L);
void ebs_register_top(lua_State *L);

// Methods in files of their own: lua_walk.c, map_update.c, map_queue.c, map_open.c, map_info.c.
int ebs_map_pairs(lua_State *L);
int ebs_map_drain(lua_State *L);
// Pushes userdata that owns a new walk over the map at index 1; NULL with `error` filled and the
// userdata pushed too.
struct ebs_map_walk *ebs_push_walk(lua_State *L, struct script_map *self, struct ebs_error *error);
void ebs_register_walk(lua_State *L);
int ebs_map_update_method(lua_State *L);
int ebs_map_create_inner_method(lua_State *L);
int ebs_map_push_method(lua_State *L);
int ebs_map_pop_method(lua_State *L);
int ebs_map_peek_method(lua_State *L);
int ebs_map_contains_method(lua_State *L);
int ebs_map_pin_method(lua_State *L);
int ebs_map_unpin_method(lua_State *L);
int ebs_map_freeze_method(lua_State *L);
void ebs_push_map_info(lua_State *L, const struct ebs_map *map);

// lua_map_whole.c: what concerns all entries.
int ebs_map_copy(lua_State *L);
int ebs_map_count_entries(lua_State *L);
int ebs_map_length(lua_State *L);
int ebs_map_clear_entries(lua_State *L);

#endif
