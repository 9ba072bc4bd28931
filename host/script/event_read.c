// SPDX-License-Identifier: GPL-2.0-only
// Samples become calls of Lua functions.
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "script/columns.h"
#include "script/events.h"
#include "types/load.h"

// A perf buffer tells only once that it has become readable, and epoll asks twice when the buffer
// is added to it, in the loop's first turn: so who waits would not be told of what came before. One
// reading before that turn, and one behind it, find that.
#define FIRST_READINGS 2

// How long all readings of the loop's turn may take, and a single one at least: then timers and
// signals have their turn. The clock is looked at before each batch.
#define TURN_NS   10000000
#define SHARE_NS  500000
#define SLOW_NS   100000  // since the last look: then behind each sample
#define COARSE_NS 2000000 // a reading that may take as long is timed by the coarse clock

static int64_t load_tag(const struct ebs_layout *layout, const uint8_t *data)
{
	if (layout->kind == EBS_SIGNED)
		return ebs_load_signed(data, layout->size);
	return (int64_t)ebs_load_unsigned(data, layout->size);
}

static const struct ebs_event_plan *choose_by_tag(struct script_handler *handler,
						  const struct ebs_sample *sample)
{
	struct ebs_unknown_samples *unknown = &handler->map->unknown;
	bool tagged = handler->tag_offset + handler->tag->size <= sample->size;
	int64_t tag = tagged ? load_tag(handler->tag, sample->data + handler->tag_offset) : 0;

	for (int i = 0; tagged && i < handler->plan_count; i++)
		if (handler->plans[i].tag == tag)
			return &handler->plans[i];
	unknown->count++;
	unknown->tagged = tagged;
	unknown->tag = tag;
	return NULL;
}

// The type of this size, else the largest that the sample holds, else the first.
static const struct ebs_event_plan *choose_by_size(const struct script_handler *handler,
						   size_t size)
{
	const struct ebs_event_plan *best = &handler->plans[0];

	for (int i = 1; i < handler->plan_count; i++) {
		const struct ebs_event_plan *plan = &handler->plans[i];
		bool fits = plan->size <= size;
		bool best_fits = best->size <= size;

		if (fits && (!best_fits || plan->size > best->size))
			best = plan;
	}
	return best;
}

static const struct ebs_event_plan *choose(struct script_handler *handler,
					   const struct ebs_sample *sample)
{
	if (handler->tag)
		return choose_by_tag(handler, sample);
	return handler->plan_count == 1 ? &handler->plans[0]
					: choose_by_size(handler, sample->size);
}

// Pushes what the plan says, and returns how many values that are.
static int push_arguments(lua_State *L, struct script_handler *handler,
			  const struct ebs_event_plan *plan, const struct ebs_sample *sample)
{
	for (int i = 0; i < plan->count; i++)
		ebs_push_step(L, &plan->steps[i], sample->data, sample->size);
	if (plan->count >= 0)
		return plan->count;
	if (plan->view_size) {
		bool padded = !plan->layout->flexible && sample->size == plan->size;
		struct ebs_view like = {
			plan->layout,
			sample->data,
			padded ? plan->layout->size : sample->size,
			&handler->lifetime,
		};

		lua_pushlightuserdata(
			L, ebs_view_show(&handler->object->state->views, handler->view, &like));
		return 1;
	}
	ebs_push_view(L, plan->layout, sample->data, sample->size, &handler->lifetime);
	return 1;
}

// Says once that a handler leaves bytes of its samples where they are.
static void tell_long(struct script_handler *handler, const struct ebs_event_plan *plan)
{
	handler->long_told = true;
	fprintf(stderr,
		"ebscript: %s: events of buffer \"%s\" are longer than %s: the handler's parameter "
		"\"" EBS_REST "\" gets the bytes behind it\n",
		handler->object->state->name, handler->map->name, plan->layout->name);
}

static void look_for_long(struct script_handler *handler, const struct ebs_event_plan *plan,
			  const struct ebs_sample *samples, size_t count)
{
	if (plan->rest || handler->long_told)
		return;
	for (size_t i = 0; i < count; i++)
		if (samples[i].size > plan->size) {
			tell_long(handler, plan);
			return;
		}
}

// One sample to its function. The handler is at index 2, the plans' functions are from 4 on.
static void deliver_one(lua_State *L, struct script_handler *handler,
			const struct ebs_sample *sample)
{
	const struct ebs_event_plan *plan = choose(handler, sample);

	if (!plan || !plan->wanted)
		return;
	look_for_long(handler, plan, sample, 1);
	int function = 4 + (int)(plan - handler->plans);
	if (plan->columns) {
		ebs_columns_print(L, function, plan->layout, sample->data, sample->size,
				  &handler->lifetime);
	} else {
		lua_pushvalue(L, function); // ... function
		lua_call(L, push_arguments(L, handler, plan, sample), 0);
	}
	ebs_handler_end_views(handler);
}

// The coarse clock stands still between its ticks. A tick looks like a slow sample, after which the
// fine clock decides.
static void look_at_clock(struct script_handler *handler)
{
	bool coarse = handler->coarse && !handler->slow;
	int64_t now = coarse ? ebs_now_coarse_ns() : ebs_now_ns();

	handler->slow = now - handler->looked_at > SLOW_NS;
	handler->looked_at = now;
	handler->late = now >= handler->until;
}

// A reading has just begun where nothing was delivered yet: whether samples are slow is known from
// the last one.
static void look_before_batch(struct script_handler *handler)
{
	if (handler->fresh)
		look_at_clock(handler);
}

// A batch, before which somebody has looked at the clock; behind slow samples that is done again.
static void deliver_each(lua_State *L, struct script_handler *handler, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i && handler->slow)
			look_at_clock(handler);
		if (handler->late || !handler->object->open)
			return;
		handler->fresh++;
		deliver_one(L, handler, &handler->batch[i]);
	}
}

static void deliver_any(lua_State *L, struct script_handler *handler, size_t count)
{
	look_before_batch(handler);
	deliver_each(L, handler, count);
}

// A batch of samples of the one type that there is, for a function that takes fields: most events
// are such, so there is nothing to decide for each.
static void deliver_fields(lua_State *L, struct script_handler *handler, size_t count)
{
	const struct ebs_event_plan *plan = &handler->plans[0];
	const struct ebs_step *end = plan->steps + plan->count;
	size_t words = plan->words;
	int arguments = plan->count;

	look_before_batch(handler);
	if (handler->slow || handler->late) {
		deliver_each(L, handler, count);
		return;
	}
	look_for_long(handler, plan, handler->batch, count);
	for (size_t i = 0; i < count && handler->object->open; i++) {
		const struct ebs_sample *sample = &handler->batch[i];

		handler->fresh = handler->taken + i + 1;
		lua_pushvalue(L, 4); // ... function
		if (sample->size >= words)
			for (const struct ebs_step *step = plan->steps; step < end; step++)
				ebs_push_word(L, step, sample->data);
		else
			for (const struct ebs_step *step = plan->steps; step < end; step++)
				ebs_push_step(L, step, sample->data, sample->size);
		lua_call(L, arguments, 0);
	}
}

// A batch for columns that print them without the script: no Lua runs, so all rows go out at once.
static void deliver_rows(lua_State *L, struct script_handler *handler, size_t count)
{
	look_before_batch(handler);
	if (handler->late)
		return;
	handler->fresh += count;
	look_for_long(handler, &handler->plans[0], handler->batch, count);
	ebs_columns_print_all(L, 4, handler->plans[0].layout, handler->batch, count);
}

// How batches are delivered. The functions are on the stack.
typedef void deliver_batch(lua_State *L, struct script_handler *handler, size_t count);

static deliver_batch *choose_delivery(lua_State *L, const struct script_handler *handler)
{
	const struct ebs_event_plan *plan = &handler->plans[0];

	if (handler->plan_count > 1 || handler->tag)
		return deliver_any;
	if (plan->columns && !ebs_columns_call_script(lua_touserdata(L, 4)))
		return deliver_rows;
	return plan->count >= 0 ? deliver_fields : deliver_any;
}

// Runs protected, once for all samples that are there: decoding allocates, and the script's
// function may raise, stop the loop, or close the handler's object.
static int read_samples(lua_State *L)
{
	struct script_handler *handler = lua_touserdata(L, 1);
	size_t count;

	luaL_checkstack(L, handler->plan_count + EBS_MAX_EVENT_FIELDS + LUA_MINSTACK,
			"too many fields");
	lua_rawgetp(L, LUA_REGISTRYINDEX, handler);     // handler
	lua_getiuservalue(L, 2, EBS_HANDLER_FUNCTIONS); // handler functions
	for (int i = 0; i < handler->plan_count; i++)
		lua_rawgeti(L, 3, i + 1); // handler functions function...
	deliver_batch *deliver = choose_delivery(L, handler);
	while (handler->object->open && !handler->late) {
		handler->taken = handler->fresh;
		count = ebs_ring_take(handler->ring, handler->batch, EBS_EVENT_BATCH);
		if (!count)
			break;
		deliver(L, handler, count);
	}
	return 0;
}

int64_t ebs_handler_share(const struct script_handler *handler)
{
	int64_t share = TURN_NS / handler->object->state->handlers;

	return ebs_now_ns() + (share > SHARE_NS ? share : SHARE_NS);
}

int ebs_handler_read(struct script_handler *handler, int64_t until)
{
	struct ebs_state *state = handler->object->state;

	struct script_object *object = handler->object;

	handler->busy = true;
	handler->late = false;
	handler->until = until;
	handler->looked_at = ebs_now_ns();
	handler->coarse = until - handler->looked_at >= COARSE_NS;
	object->reading++;
	handler->taken = 0;
	handler->fresh = 0;
	ebs_ring_begin(handler->ring);
	int result = ebs_call_protected(state, read_samples, handler);
	const struct ebs_sample *last =
		handler->fresh > handler->taken
			? &handler->batch[handler->fresh - handler->taken - 1]
			: NULL;
	size_t bytes = ebs_ring_end(handler->ring, last);
	ebs_handler_end_views(handler);
	handler->busy = false;
	object->reading--;
	if (!handler->object->open) {
		ebs_handler_release(handler);
		return state->failed ? -ECANCELED : 0;
	}
	ebs_handler_pace(handler, handler->fresh, bytes);
	if (handler->readings < FIRST_READINGS)
		handler->readings++;
	if (result || handler->late ||
	    handler->readings < FIRST_READINGS) // the rest isn't reported a second time
		ebs_watch_again(handler->watch);
	return result;
}
