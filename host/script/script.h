// SPDX-License-Identifier: GPL-2.0-only
// The door to Lua: one script, from its text to its exit status.
#ifndef EBS_SCRIPT_SCRIPT_H
#define EBS_SCRIPT_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

struct ebs_script_options {
	const char *program;    // argv[0], for the `arg` table
	const char *script;     // a path, "-" for standard input, or NULL when there is a chunk
	const char *chunk;      // Lua text of the command line, or NULL
	char *const *arguments; // the script's own
	int argument_count;
	bool json;    // rows as JSON objects
	bool verbose; // libbpf's and the compiler's own words on standard error
	bool stats;   // at the end, where the start's time went, on standard error
	bool check;   // compile and load; the script ends before anything is attached
	bool emit_c;  // write the C as compiled to standard output; the script ends at its first
		      // bpf.load()
	const char *emit_object; // write the ELF object to this file, likewise; may be NULL
	bool printk;             // what programs print by bpf_printk(), on standard error
	bool drop_capabilities;  // as the loop starts
	uint64_t buffer_size;    // of every ring and perf buffer, bytes; 0: as the script says
	bool no_cache;
	const char *cache_dir;     // in place of the user's own; may be NULL
	char *const *include_dirs; // folders for #include, up to a NULL; may be NULL
	const char *verifier_log;  // a file for the logs of refused programs; may be NULL
};

// The largest `buffer_size`.
#define EBS_MAX_BUFFER_SIZE (UINT64_C(1) << 31)

// Runs the script. Errors have been told on standard error. Returns the exit status: 0, or 1 for a
// failed script.
int ebs_script_run(const struct ebs_script_options *options);

// Empties the cache. Returns the exit status.
int ebs_script_clear_cache(const char *cache_dir);

// Writes what programs can be attached to, as kernel/probe_list.h says, to standard output. Returns
// the exit status: 1 also where the pattern matches nothing.
int ebs_script_list_probes(const char *pattern, bool details);

// Writes what kernel, privileges and build can do to standard output, for a report.
void ebs_script_print_info(const char *cache_dir);

// Writes the versions of the libraries that scripts run on to standard output, a line each.
void ebs_script_print_versions(void);

#endif
