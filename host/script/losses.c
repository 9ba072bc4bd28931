// SPDX-License-Identifier: GPL-2.0-only
// Losses are told: a line each on standard error, with --json also a record on standard output.
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "kernel/losses.h"
#include "output/escape.h"
#include "script/object.h"
#include "script/script.h"
#include "script/standard_output.h"

#define INTERVAL_NS INT64_C(1000000000) // between two notices

// The kinds of enum ebs_loss_kind.
static const struct {
	const char *name; // in JSON and object:losses()
	const char *one;  // counted
	const char *many;
	const char *member; // of a record: what `name` is the name of
} kinds[] = {
	[EBS_LOST_EVENTS] = { "lost_events", "event lost", "events lost", "map" },
	[EBS_FAILED_UPDATES] = { "failed_updates", "update failed", "updates failed", "map" },
	[EBS_MISSED] = { "missed", "run missed", "runs missed", "program" },
};

// "ring buffer", "percpu hash map".
static void append_map_kind(struct ebs_buffer *out, const struct ebs_map *map)
{
	const char *type = map ? ebs_map_type_name(map) : "";

	if (strcmp(type, "ringbuf") == 0)
		ebs_buffer_append_string(out, "ring buffer");
	else if (strcmp(type, "perf_event_array") == 0)
		ebs_buffer_append_string(out, "perf buffer");
	else
		ebs_buffer_append_string(out, "map");
}

static void append_missed_reason(struct ebs_buffer *out, const struct ebs_program *program)
{
	ebs_buffer_printf(out, "program \"%s\" was due while its CPU ran it, or another one",
			  program->name);
	if (strncmp(program->section, "kret", strlen("kret")) == 0)
		ebs_buffer_append_string(out, ", or too many calls were under way");
}

static void append_reason(struct ebs_buffer *out, const struct ebs_loss *loss)
{
	if (loss->program) {
		append_missed_reason(out, loss->program);
		return;
	}
	append_map_kind(out, loss->map);
	ebs_buffer_printf(out, " \"%s\" was full: raise its max_entries", loss->name);
}

static void tell_text(const struct ebs_state *state, const struct ebs_loss *loss, uint64_t count,
		      const char *in_all)
{
	struct ebs_buffer reason = { 0 };

	append_reason(&reason, loss);
	fprintf(stderr, "ebscript: %s: %llu %s%s (%s)\n", state->name, (unsigned long long)count,
		count == 1 ? kinds[loss->kind].one : kinds[loss->kind].many, in_all,
		reason.failed ? loss->name : reason.data);
	ebs_buffer_free(&reason);
}

// A row of its own; rows are written whole, so it falls between two.
static void tell_json(const struct ebs_loss *loss, bool final)
{
	struct ebs_buffer record = { 0 };

	ebs_buffer_printf(&record, "{\"record\":\"loss\",\"kind\":\"%s\",\"%s\":\"",
			  kinds[loss->kind].name, kinds[loss->kind].member);
	ebs_escape_json(&record, loss->name, strlen(loss->name));
	ebs_buffer_printf(&record, "\",\"count\":%llu,\"total\":%llu,\"final\":%s}\n",
			  (unsigned long long)(loss->count - loss->told),
			  (unsigned long long)loss->count, final ? "true" : "false");
	if (!record.failed)
		ebs_standard_output_write(record.data, record.size);
	ebs_buffer_free(&record);
}

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
	const struct ebs_state *state = object->state;
	size_t count;
	struct ebs_loss *losses = ebs_object_losses(object->handle, &count);

	for (size_t i = 0; i < count; i++) {
		struct ebs_loss *loss = &losses[i];

		if (!loss->count || (loss->count == loss->told && !final))
			continue;
		tell_text(state, loss, final ? loss->count : loss->count - loss->told,
			  final ? " in all" : "");
		if (state->options->json)
			tell_json(loss, final);
		loss->told = loss->count;
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
	ebs_losses_read(object->handle);
	ebs_losses_read_missed(object->handle);
	if (object->losses_totalled && !is_news(object))
		return;
	tell_all(object, true);
	object->losses_totalled = true;
}

// Adds `count` to the number that the table on the top has for `name`.
static void add_count(lua_State *L, const char *name, uint64_t count)
{
	lua_getfield(L, -1, name); // table old
	lua_pushinteger(L, lua_tointeger(L, -1) + (lua_Integer)count);
	lua_setfield(L, -3, name); // table old
	lua_pop(L, 1);             // table
}

int ebs_object_push_losses(lua_State *L)
{
	struct script_object *object = ebs_check_object(L, 1);
	size_t count;

	ebs_losses_read(object->handle);
	ebs_losses_read_missed(object->handle);
	const struct ebs_loss *losses = ebs_object_losses(object->handle, &count);
	lua_newtable(L); // result
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		add_count(L, kinds[i].name, 0);
	lua_newtable(L); // result maps
	lua_newtable(L); // result maps programs
	for (size_t i = 0; i < count; i++) {
		lua_pushvalue(L, losses[i].kind == EBS_MISSED ? -1 : -2); // ... table
		add_count(L, losses[i].name, losses[i].count);
		lua_pushvalue(L, -4); // ... table result
		add_count(L, kinds[losses[i].kind].name, losses[i].count);
		lua_pop(L, 2); // result maps programs
	}
	lua_setfield(L, -3, "programs"); // result maps
	lua_setfield(L, -2, "maps");     // result
	return 1;
}
