// SPDX-License-Identifier: GPL-2.0-only
// A loss in words: a line on standard error, and where rows are JSON a record among them.
#include "script/loss_notice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kernel/ring.h"
#include "output/escape.h"
#include "script/standard_output.h"

static const char *const kind_names[] = {
	[EBS_LOST_EVENTS] = "lost_events",
	[EBS_FAILED_UPDATES] = "failed_updates",
	[EBS_FULL] = "full",
	[EBS_UNKNOWN_EVENTS] = "unknown",
	[EBS_MISSED] = "missed",
};

const char *ebs_loss_kind_name(enum ebs_loss_kind kind)
{
	return kind_names[kind];
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static bool is_perf_buffer(const struct ebs_map *map)
{
	return strcmp(ebs_map_type_name(map), "perf_event_array") == 0;
}

// As --buffer-size takes it: 64K, 1M.
static void append_size(struct ebs_buffer *out, uint64_t bytes)
{
	bool is_whole = bytes % (1024 * 1024) == 0;

	ebs_buffer_printf(out, is_whole ? "%" PRIu64 "M" : "%" PRIu64 "K",
			  bytes / (is_whole ? 1024 * 1024 : 1024));
}

// A larger buffer doesn't help these.
static void append_garbled(struct ebs_buffer *out, const struct ebs_loss *loss)
{
	ebs_buffer_printf(out,
			  "perf buffer \"%s\" takes samples of up to %d bytes: send less at once",
			  loss->name, EBS_PERF_MAX_SAMPLE);
}

// `times` 0: not known.
static void append_full_buffer(struct ebs_buffer *out, const struct ebs_loss *loss, uint64_t times)
{
	const struct ebs_map *map = loss->map;
	uint64_t size = !map ? 0 : is_perf_buffer(map) ? map->buffer_size : map->max_entries;

	if (map && is_perf_buffer(map) && !size) {
		ebs_buffer_printf(out, "perf buffer \"%s\" has no handler", loss->name);
		return;
	}
	ebs_buffer_printf(out, "%s \"%s\" was full",
			  !map                  ? "buffer"
			  : is_perf_buffer(map) ? "perf buffer"
						: "ring buffer",
			  loss->name);
	if (times)
		ebs_buffer_printf(out, " %" PRIu64 " time%s", times, plural(times));
	if (size) {
		ebs_buffer_append_string(out, ": try ebscript --buffer-size ");
		append_size(out, 2 * size);
	}
}

static void append_full_map(struct ebs_buffer *out, const struct ebs_loss *loss)
{
	ebs_buffer_printf(out, "map \"%s\" was full: raise its max_entries", loss->name);
	if (loss->map)
		ebs_buffer_printf(out, ", now %" PRIu32, loss->map->max_entries);
}

static void append_unknown(struct ebs_buffer *out, const struct ebs_map *map)
{
	ebs_buffer_printf(out, "buffer \"%s\": ", map->name);
	if (map->unknown.tagged)
		ebs_buffer_printf(out, "option 'types' of on_event() has none for tag %" PRId64,
				  map->unknown.tag);
	else
		ebs_buffer_append_string(out, "too short for a tag");
}

static void append_missed(struct ebs_buffer *out, const struct ebs_program *program)
{
	ebs_buffer_printf(out, "program \"%s\" was due while its CPU ran it, or another one",
			  program->name);
	if (strncmp(program->section, "kret", strlen("kret")) == 0)
		ebs_buffer_append_string(out, ", or too many calls were under way");
}

static void append_text(struct ebs_buffer *out, const struct ebs_loss *loss, bool final)
{
	uint64_t count = final ? loss->count : loss->count - loss->told;
	const char *in_all = final ? " in all" : "";
	uint64_t garbled = loss->map && is_perf_buffer(loss->map) ? loss->map->garbled : 0;

	switch (loss->kind) {
	case EBS_LOST_EVENTS:
		ebs_buffer_printf(out, "%" PRIu64 " event%s lost%s (", count, plural(count),
				  in_all);
		if (garbled)
			append_garbled(out, loss);
		if (garbled && garbled < loss->count)
			ebs_buffer_append_string(out, "; ");
		if (garbled < loss->count)
			append_full_buffer(out, loss, 0);
		break;
	case EBS_FAILED_UPDATES:
		ebs_buffer_printf(out, "%" PRIu64 " update%s failed%s (", count, plural(count),
				  in_all);
		append_full_map(out, loss);
		break;
	case EBS_FULL:
		if (ebs_map_can(loss->map, EBS_MAP_SET)) {
			ebs_buffer_append_string(out, "updates may have failed (");
			append_full_map(out, loss);
		} else {
			ebs_buffer_append_string(out, "events may be lost (");
			append_full_buffer(out, loss, count);
		}
		ebs_buffer_append_string(out, "; the helpers of ebscript.bpf.h count losses");
		break;
	case EBS_UNKNOWN_EVENTS:
		ebs_buffer_printf(out, "%" PRIu64 " event%s of unknown type left out%s (", count,
				  plural(count), in_all);
		append_unknown(out, loss->map);
		break;
	case EBS_MISSED:
		ebs_buffer_printf(out, "%" PRIu64 " run%s missed%s (", count, plural(count),
				  in_all);
		append_missed(out, loss->program);
		break;
	}
	ebs_buffer_append_char(out, ')');
}

static void append_record(struct ebs_buffer *out, const struct ebs_loss *loss, bool final)
{
	ebs_buffer_printf(out, "{\"record\":\"loss\",\"kind\":\"%s\",\"%s\":\"",
			  kind_names[loss->kind], loss->program ? "program" : "map");
	ebs_escape_json(out, loss->name, strlen(loss->name));
	ebs_buffer_printf(out, "\",\"count\":%" PRIu64 ",\"total\":%" PRIu64 ",\"final\":%s}\n",
			  loss->count - loss->told, loss->count, final ? "true" : "false");
}

void ebs_loss_notice(const struct ebs_state *state, const struct ebs_loss *loss, bool final)
{
	struct ebs_buffer out = { 0 };

	append_text(&out, loss, final);
	if (!out.failed)
		fprintf(stderr, "ebscript: %s: %s\n", state->name, out.data);
	ebs_buffer_clear(&out);
	if (state->json)
		append_record(&out, loss, final);
	if (!out.failed && out.size) // whole, as rows are: it falls between two of them
		ebs_standard_output_write(out.data, out.size);
	ebs_buffer_free(&out);
}
