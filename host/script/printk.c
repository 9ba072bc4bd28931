// SPDX-License-Identifier: GPL-2.0-only
// --printk: what programs print, on standard error.
#include "kernel/printk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "output/escape.h"
#include "script/printk.h"

int ebs_printk_begin(struct ebs_state *state, struct ebs_error *error)
{
	state->printk = ebs_printk_open(error);
	return state->printk ? 0 : -EINVAL;
}

// The text may hold what somebody else chose: a file's name, a process's memory.
static void print(void *context, const char *text, size_t size, int32_t tid)
{
	struct ebs_buffer line = { 0 };

	ebs_escape_text(&line, text, size);
	if (!line.failed)
		fprintf(stderr, "printk[%" PRId32 "]: %s\n", tid, line.data ? line.data : "");
	ebs_buffer_free(&line);
}

static int on_text(void *context)
{
	struct ebs_state *state = context;

	ebs_printk_read(state->printk, print, state);
	return 0;
}

int ebs_printk_watch(struct ebs_state *state, struct ebs_error *error)
{
	if (!state->printk || state->printk_watch)
		return 0;
	state->printk_watch =
		ebs_loop_watch(state->loop, ebs_printk_fd(state->printk), on_text, state, error);
	if (!state->printk_watch)
		return -EIO;
	ebs_watch_unref(state->printk_watch);
	return 0;
}

void ebs_printk_end(struct ebs_state *state)
{
	if (!state->printk)
		return;
	on_text(state);
	ebs_watch_free(state->printk_watch);
	uint64_t lost = ebs_printk_lost(state->printk);
	if (lost)
		fprintf(stderr,
			"ebscript: %s: %" PRIu64 " texts of bpf_printk() were lost, as they came "
			"faster than they could be read\n",
			state->name, lost);
	ebs_printk_free(state->printk);
	state->printk = NULL;
	state->printk_watch = NULL;
}
