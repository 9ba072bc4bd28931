// SPDX-License-Identifier: GPL-2.0-only
// Attaching programs: the kinds that there are, and the options that each takes.
#ifndef EBS_KERNEL_ATTACH_H
#define EBS_KERNEL_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "kernel/attach_link.h"
#include "kernel/object.h"

enum ebs_attach_option {
	EBS_ATTACH_INTERFACE, // list: network interfaces' names
	EBS_ATTACH_MODE,      // text: "native", "generic", "offload", "auto"
	EBS_ATTACH_PID,       // number: one process; default all
	EBS_ATTACH_CPU,       // number: one CPU; default all
	EBS_ATTACH_PATH,      // text: an executable, a library, or a library's name
	EBS_ATTACH_SYMBOL,    // text: a function in it
	EBS_ATTACH_OFFSET,    // number: bytes from the symbol, or from the file's start without one
	EBS_ATTACH_PROVIDER,  // text: of a USDT probe
	EBS_ATTACH_NAME,      // text: of a USDT probe
	EBS_ATTACH_EVENT,     // text: a perf event
	EBS_ATTACH_FREQUENCY, // number: samples a second
	EBS_ATTACH_PERIOD,    // number: events between samples
	EBS_ATTACH_CGROUP,    // list: cgroups' paths
	EBS_ATTACH_FUNCTION,  // text: of the kernel
	EBS_ATTACH_CATEGORY,  // text: of a tracepoint
	EBS_ATTACH_TRACEPOINT, // text: its name
	EBS_ATTACH_FUNCTIONS,  // list: of the kernel, globs too
	EBS_ATTACH_SYMBOLS,    // list: of a file, globs too
	EBS_ATTACH_DIRECTION,  // list: "ingress", "egress"
	EBS_ATTACH_FAMILY,     // text: "ipv4" or "ipv6"
	EBS_ATTACH_HOOK,       // list: of netfilter, "input"
	EBS_ATTACH_PRIORITY,   // number: there; the lowest runs first
	EBS_ATTACH_NETNS,      // text: a network namespace's path
	EBS_ATTACH_MAP,        // text: a map of the same object
	EBS_ATTACH_REPLACE,    // boolean: in place of what is there
	EBS_ATTACH_FORCE,      // boolean: although it may end the traced processes
	EBS_ATTACH_OPTIONS,
};

// Option names as scripts write them, and whether their value is a number, else text. A script may
// give a list as one text or as a sequence. A boolean is the number 0 or 1.
struct ebs_attach_option_info {
	const char *name;
	bool is_number;
	bool is_boolean;
	bool is_list;
	int64_t low, high; // of a number; both 0: any
};
extern const struct ebs_attach_option_info ebs_attach_option_infos[EBS_ATTACH_OPTIONS];

// Unset members are NULL or not `given`. Texts and lists are the caller's.
struct ebs_attach_value {
	bool given;
	const char *text; // of a list its first element
	int64_t number;
	const char *const *items; // of a list, at least one
	uint32_t count;
};

struct ebs_attach_options {
	struct ebs_attach_value values[EBS_ATTACH_OPTIONS];
};

// NULL with `error` filled. `options` with nothing given means that SEC() says all. Freeing the
// link detaches; so does the end of the process.
struct ebs_link *ebs_program_attach(struct ebs_program *program,
				    const struct ebs_attach_options *options,
				    struct ebs_error *error);

// Does SEC() say all that is needed to attach?
bool ebs_program_is_complete(const struct ebs_program *program);

#endif
