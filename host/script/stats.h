// SPDX-License-Identifier: GPL-2.0-only
// Where the time of a start goes, for --stats.
#ifndef EBS_SCRIPT_STATS_H
#define EBS_SCRIPT_STATS_H

#include <stdbool.h>
#include <stdint.h>

enum ebs_phase {
	EBS_PHASE_SCRIPT, // whatever isn't one of the others
	EBS_PHASE_TYPES,  // the kernel's types: the header for the compiler, the part that
			  // relocation needs
	EBS_PHASE_COMPILE,
	EBS_PHASE_LOAD, // open, configure, load
	EBS_PHASE_ATTACH,
	EBS_PHASES,
};

struct ebs_stats {
	uint64_t spent[EBS_PHASES]; // ns
	enum ebs_phase phase;       // the one that runs
	uint64_t since;             // CLOCK_MONOTONIC ns
	bool running;               // bpf.run() was called: the start is over
	unsigned hits;              // of the cache
	unsigned misses;
	long child_peak; // KiB
};

// Starts the clock in the phase "script".
void ebs_stats_start(struct ebs_stats *stats);

// From now on `phase` runs. Returns the phase before, to be restored.
enum ebs_phase ebs_stats_enter(struct ebs_stats *stats, enum ebs_phase phase);

// The start is over.
void ebs_stats_stop(struct ebs_stats *stats);

// Writes the figures to standard error.
void ebs_stats_print(struct ebs_stats *stats, const char *script);

#endif
