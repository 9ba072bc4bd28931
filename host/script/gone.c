// SPDX-License-Identifier: GPL-2.0-only
// Attachments that go blind while a script waits: bpf.on_gone(), the notice, the record, the end.
#include "script/gone.h"

#include <stdio.h>
#include <string.h>

#include "kernel/watched.h"
#include "output/escape.h"
#include "script/bpf.h"
#include "script/object.h"
#include "script/standard_output.h"

#define INTERVAL 1.0 // seconds between two looks

static void append_record(struct ebs_buffer *out, const struct ebs_gone *gone,
			  const struct ebs_link_info *info)
{
	ebs_buffer_printf(out,
			  "{\"record\":\"gone\",\"kind\":\"%s\",\"program\":\"%s\",\"place\":\"",
			  info->kind, info->program);
	ebs_escape_json(out, gone->name, strlen(gone->name));
	ebs_buffer_printf(out, "\",\"why\":\"%s\"}\n", ebs_why_gone_name(gone->why));
}

// What the handler of the link gets.
struct call {
	struct script_link *link;
	const char *text;
};

static int deliver(lua_State *L)
{
	const struct call *call = lua_touserdata(L, 1);

	if (!ebs_push_gone_handler(L, call->link)) // handler link
		return 0;
	lua_pushstring(L, call->text); // handler link text
	lua_call(L, 2, 0);
	return 0;
}

// A handler takes the notice's place. Returns 0, or a negative number when it failed.
static int tell(struct ebs_state *state, struct script_link *self, const struct ebs_gone *gone)
{
	struct ebs_link_info info = ebs_link_info(ebs_script_link(self));
	struct ebs_buffer text = { 0 }, record = { 0 };
	int result = 0;

	ebs_gone_describe(gone, info.program, &text);
	if (state->json)
		append_record(&record, gone, &info);
	if (record.size && !record.failed) // whole, as rows are: it falls between two of them
		ebs_standard_output_write(record.data, record.size);
	struct call call = { self, text.failed ? "" : text.data };
	if (ebs_link_has_handler(self))
		result = ebs_call_protected(state, deliver, &call);
	else
		fprintf(stderr, "ebscript: %s: %s\n", state->name, call.text);
	ebs_buffer_free(&text);
	ebs_buffer_free(&record);
	return result;
}

// The first link that has something to tell. A handler may close any link and any object, so the
// lists are read anew after each.
static struct script_link *find_news(const struct ebs_state *state, struct ebs_gone *gone)
{
	for (struct script_object *object = state->objects; object; object = object->next)
		for (struct script_link *link = object->links; link; link = ebs_link_after(link))
			if (ebs_link_next_gone(ebs_script_link(link), gone))
				return link;
	return NULL;
}

// Whether some attachment was lost, none is left, and no script has said that it sees to that.
static bool is_all_lost(const struct ebs_state *state)
{
	bool lost = false;

	for (struct script_object *object = state->objects; object; object = object->next)
		for (struct script_link *link = object->links; link; link = ebs_link_after(link)) {
			if (!ebs_link_is_blind(ebs_script_link(link)) || ebs_link_has_handler(link))
				return false;
			lost = true;
		}
	return lost && !state->watches;
}

static int on_look(void *context)
{
	struct ebs_state *state = context;
	struct script_link *link;
	struct ebs_gone gone;
	int result = 0;

	for (struct script_object *object = state->objects; object; object = object->next)
		for (link = object->links; link; link = ebs_link_after(link))
			ebs_link_look(ebs_script_link(link));
	while (!result && (link = find_news(state, &gone)))
		result = tell(state, link, &gone);
	if (!result && is_all_lost(state))
		ebs_loop_stop(state->loop);
	return result;
}

static bool has_watched(const struct ebs_state *state)
{
	for (struct script_object *object = state->objects; object; object = object->next)
		for (struct script_link *link = object->links; link; link = ebs_link_after(link))
			if (ebs_link_is_watched(ebs_script_link(link)))
				return true;
	return false;
}

int ebs_gone_watch(struct ebs_state *state, struct ebs_error *error)
{
	if (state->gone_look || !has_watched(state))
		return 0;
	state->gone_look = ebs_loop_every(state->loop, INTERVAL, on_look, state, error);
	if (!state->gone_look)
		return -1;
	ebs_timer_stay_behind(state->gone_look);
	return 0;
}

// bpf.on_gone(link, handler)
int ebs_bpf_on_gone(lua_State *L)
{
	luaL_checkudata(L, 1, EBS_LINK_CLASS);
	if (!lua_isnoneornil(L, 2))
		luaL_checktype(L, 2, LUA_TFUNCTION);
	ebs_link_set_handler(L); // link
	return 1;
}
