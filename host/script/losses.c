// SPDX-License-Identifier: GPL-2.0-only
// Losses are told: what the helpers of ebscript.bpf.h counted.
#include <stdio.h>

#include "base/clock.h"
#include "script/object.h"

#define INTERVAL_NS INT64_C(1000000000) // between two notices

static void tell(const struct ebs_state *state, uint64_t count, uint64_t told, const char *what,
		 const char *advice, bool at_end)
{
	if (!count || (count == told && !at_end))
		return;
	if (at_end)
		fprintf(stderr, "ebscript: %s: %llu %s in all (%s)\n", state->name,
			(unsigned long long)count, what, advice);
	else
		fprintf(stderr, "ebscript: %s: %llu %s (%s)\n", state->name,
			(unsigned long long)(count - told), what, advice);
}

static bool same(struct ebs_losses a, struct ebs_losses b)
{
	return a.lost_events == b.lost_events && a.failed_updates == b.failed_updates;
}

static void tell_all(struct script_object *object, struct ebs_losses losses, bool at_end)
{
	tell(object->state, losses.lost_events, object->told.lost_events, "events lost",
	     "a ring buffer was full: raise its max_entries", at_end);
	tell(object->state, losses.failed_updates, object->told.failed_updates,
	     "map updates failed", "a map was full: raise its max_entries", at_end);
	object->told = losses;
	object->told_at = ebs_now_ns();
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
	struct ebs_losses losses = ebs_object_losses(object->handle);

	if (same(losses, object->told))
		return;
	if (ebs_now_ns() - object->told_at >= INTERVAL_NS)
		tell_all(object, losses, false);
	else if (!state->losses_due)
		state->losses_due =
			ebs_loop_every(state->loop, INTERVAL_NS / 1e9, on_due, state, NULL);
}

void ebs_tell_total_losses(struct script_object *object)
{
	struct ebs_losses losses = ebs_object_losses(object->handle);

	if (object->told_total && same(losses, object->told))
		return;
	tell_all(object, losses, true);
	object->told_total = true;
}
