// SPDX-License-Identifier: GPL-2.0-only
// When losses are told, and object:losses().
#include "base/clock.h"
#include "script/loss_notice.h"
#include "script/object.h"

#define INTERVAL_NS INT64_C(1000000000) // between two notices

static bool is_news(const struct script_object *object)
{
	size_t count;
	const struct ebs_loss *losses = ebs_object_losses(object->handle, &count);

	for (size_t i = 0; i < count; i++)
		if (losses[i].count != losses[i].told)
			return true;
	return false;
}

static void tell_all(struct script_object *object, bool final)
{
	size_t count;
	struct ebs_loss *losses = ebs_object_losses(object->handle, &count);

	for (size_t i = 0; i < count; i++) {
		struct ebs_loss *loss = &losses[i];

		if (loss->count == (final ? loss->totalled : loss->told))
			continue;
		ebs_loss_notice(object->state, loss, final);
		loss->told = loss->count;
		if (final)
			loss->totalled = loss->count;
	}
	object->losses_told_at = ebs_now_ns();
}

static int on_due(void *context)
{
	struct ebs_state *state = context;

	ebs_timer_free(state->losses_due);
	state->losses_due = NULL;
	return 0; // the loop looks at the losses before it sleeps
}

void ebs_tell_losses(struct script_object *object)
{
	struct ebs_state *state = object->state;
	int64_t now = ebs_now_ns();

	ebs_losses_read(object->handle);
	if (object->links && now - object->missed_read_at >= INTERVAL_NS) {
		ebs_losses_read_missed(object->handle);
		object->missed_read_at = now;
	}
	if (!is_news(object))
		return;
	if (now - object->losses_told_at >= INTERVAL_NS)
		tell_all(object, false);
	else if (!state->losses_due)
		state->losses_due =
			ebs_loop_every(state->loop, INTERVAL_NS / 1e9, on_due, state, NULL);
}

void ebs_tell_total_losses(struct script_object *object)
{
	ebs_losses_look_for_full_maps(object->handle);
	ebs_losses_read(object->handle);
	ebs_losses_read_missed(object->handle);
	tell_all(object, true);
}

// Adds `count` to the number that the table on the top has for `name`.
static void add_count(lua_State *L, const char *name, uint64_t count)
{
	lua_getfield(L, -1, name); // table old
	lua_pushinteger(L, lua_tointeger(L, -1) + (lua_Integer)count);
	lua_setfield(L, -3, name); // table old
	lua_pop(L, 1);             // table
}

// Whether the result has a sum of them, under the kind's name.
static bool is_summed(enum ebs_loss_kind kind)
{
	return kind != EBS_FULL && kind != EBS_UNKNOWN_EVENTS;
}

// Whether it isn't worth a word: most scripts have nothing to do with tags.
static bool is_empty(const struct ebs_loss *loss)
{
	return loss->kind == EBS_UNKNOWN_EVENTS && !loss->count;
}

int ebs_object_push_losses(lua_State *L)
{
	// Which of the result's tables has the counts by name.
	static const char *const tables[] = {
		[EBS_LOST_EVENTS] = "maps", [EBS_FAILED_UPDATES] = "maps",
		[EBS_FULL] = "full",        [EBS_UNKNOWN_EVENTS] = "unknown",
		[EBS_MISSED] = "programs",
	};
	struct script_object *object = ebs_check_object(L, 1);
	size_t count;

	ebs_losses_read(object->handle);
	ebs_losses_read_missed(object->handle);
	const struct ebs_loss *losses = ebs_object_losses(object->handle, &count);
	lua_newtable(L); // result
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (is_summed(i))
			add_count(L, ebs_loss_kind_name(i), 0);
		luaL_getsubtable(L, -1, tables[i]); // result table
		lua_pop(L, 1);                      // result
	}
	for (size_t i = 0; i < count; i++) {
		if (is_empty(&losses[i]))
			continue;
		if (is_summed(losses[i].kind))
			add_count(L, ebs_loss_kind_name(losses[i].kind), losses[i].count);
		luaL_getsubtable(L, -1, tables[losses[i].kind]); // result table
		add_count(L, losses[i].name, losses[i].count);
		lua_pop(L, 1); // result
	}
	return 1;
}
