// SPDX-License-Identifier: GPL-2.0-only
// Where the time of a start goes, for --stats.
#include "script/stats.h"

#include <stdio.h>

#include "base/clock.h"

void ebs_stats_start(struct ebs_stats *stats)
{
	stats->phase = EBS_PHASE_SCRIPT;
	stats->since = ebs_now_ns();
}

enum ebs_phase ebs_stats_enter(struct ebs_stats *stats, enum ebs_phase phase)
{
	enum ebs_phase before = stats->phase;
	uint64_t now = ebs_now_ns();

	if (!stats->running)
		stats->spent[before] += now - stats->since;
	stats->since = now;
	stats->phase = phase;
	return before;
}

void ebs_stats_stop(struct ebs_stats *stats)
{
	ebs_stats_enter(stats, EBS_PHASE_SCRIPT);
	stats->running = true;
}

// KiB. What getrusage() tells has the memory in it of the program that was there before execve(2).
static long peak_memory(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[128];
	long peak = 0;

	while (status && fgets(line, sizeof(line), status) &&
	       sscanf(line, "VmHWM: %ld", &peak) != 1)
		continue;
	if (status)
		fclose(status);
	return peak;
}

void ebs_stats_print(struct ebs_stats *stats, const char *script)
{
	static const char *const names[EBS_PHASES] = { "script", "types", "compile", "load",
						       "attach" };
	uint64_t sum = 0;

	ebs_stats_stop(stats);
	fprintf(stderr, "ebscript: %s: start:", script);
	for (int i = 0; i < EBS_PHASES; i++) {
		fprintf(stderr, " %s %.2f ms,", names[i], (double)stats->spent[i] / 1e6);
		sum += stats->spent[i];
	}
	fprintf(stderr, " in all %.2f ms\n", (double)sum / 1e6);
	fprintf(stderr,
		"ebscript: %s: cache: %u hits, %u misses; peak memory: host %ld KiB, compiler %ld "
		"KiB\n",
		script, stats->hits, stats->misses, peak_memory(), stats->child_peak);
}
