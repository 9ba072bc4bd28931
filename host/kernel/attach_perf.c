// SPDX-License-Identifier: GPL-2.0-only
// Programs on perf events: samples of a counter, and tracepoints.
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "kernel/attach_private.h"
#include "kernel/cpus.h"
#include "kernel/link_create.h"
#include "kernel/perf_event.h"
#include "kernel/tracefs.h"

// Takes over the event, also when it fails. Links came with Linux 5.15: libbpf asks whether there
// are any with a program that it loads for that.
static int add_event(struct ebs_link *link, struct ebs_program *program, int event)
{
	int fd = ebs_link_create(&(struct ebs_link_attributes){
		.program = ebs_program_fd(program),
		.target = event,
		.type = BPF_PERF_EVENT,
	});

	if (fd >= 0) {
		int result = ioctl(event, PERF_EVENT_IOC_ENABLE, 0) ? -errno : 0;

		close(event); // the link holds it
		if (!result)
			return ebs_link_add_fd(link, fd);
		close(fd);
		return result;
	}
	int result = ebs_link_add(link, bpf_program__attach_perf_event(program->handle, event));

	if (result)
		close(event);
	return result;
}

// "tp/CATEGORY/NAME", or both from the options.
int ebs_attach_tracepoint(struct ebs_program *program, const struct ebs_attach_options *options,
			  struct ebs_link *link, struct ebs_error *error)
{
	const char *category = options->values[EBS_ATTACH_CATEGORY].text;
	const char *name = options->values[EBS_ATTACH_TRACEPOINT].text;
	const char *target = ebs_section_target(program);
	const char *slash = target ? strchr(target, '/') : NULL;
	char *own_category = NULL;

	if (!category && slash)
		category = own_category = strndup(target, slash - target);
	if (!name && slash)
		name = slash + 1;
	if (!category || !name) {
		free(own_category);
		return ebs_error_set(
			error, "EINVAL",
			"SEC(\"%s\") names no tracepoint: write SEC(\"tracepoint/CATEGORY/NAME\")",
			program->section);
	}

	int id = ebs_tracepoint_id(category, name, error);
	int result = id;
	if (id >= 0) {
		struct perf_event_attr attributes = { .type = PERF_TYPE_TRACEPOINT, .config = id };
		int event = ebs_perf_event_open(&attributes, -1, 0);

		result = event < 0 ? event : add_event(link, program, event);
		if (result == -EEXIST)
			ebs_error_explain(error, result,
					  "\"%s\" is attached to tracepoint %s:%s already",
					  program->name, category, name);
		else if (result)
			ebs_error_errno(error, result, "can't attach to tracepoint %s:%s", category,
					name);
	}
	free(own_category);
	return result;
}

// What perf(1) calls these events.
static const struct perf_event {
	const char *name;
	uint32_t type;
	uint64_t config;
} perf_events[] = {
	{ "cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK },
	{ "task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK },
	{ "page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS },
	{ "minor-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN },
	{ "major-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ },
	{ "context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES },
	{ "cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS },
	{ "cpu-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
	{ "instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
	{ "cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES },
	{ "cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES },
	{ "branch-instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS },
	{ "branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES },
};

static const struct perf_event *find_event(const char *name, struct ebs_error *error)
{
	struct ebs_buffer names = { 0 };

	for (size_t i = 0; i < sizeof(perf_events) / sizeof(perf_events[0]); i++) {
		if (strcmp(perf_events[i].name, name) == 0) {
			ebs_buffer_free(&names);
			return &perf_events[i];
		}
		ebs_buffer_printf(&names, "%s%s", i ? ", " : "", perf_events[i].name);
	}
	ebs_error_set(error, "EINVAL", "there is no perf event \"%s\": there are %s", name,
		      names.size ? names.data : "");
	ebs_buffer_free(&names);
	return NULL;
}

static int explain_event(const struct perf_event *event, const struct ebs_attach_options *options,
			 int number, struct ebs_error *error)
{
	int64_t frequency = options->values[EBS_ATTACH_FREQUENCY].number;
	int64_t cpu = options->values[EBS_ATTACH_CPU].number;
	int cpus = (int)ebs_possible_cpus();
	int most = ebs_read_number("/proc/sys/kernel/perf_event_max_sample_rate", -1);

	if (number == -ENOENT)
		return ebs_error_explain(error, number,
					 "this machine doesn't count the perf event \"%s\"",
					 event->name);
	if (number == -EINVAL && most > 0 && frequency > most)
		return ebs_error_explain(error, number,
					 "this kernel takes at most %d samples a second: `sysctl "
					 "kernel.perf_event_max_sample_rate` sets that",
					 most);
	if ((number == -EINVAL || number == -ENODEV) && cpu >= cpus)
		return ebs_error_explain(error, number, "there is no CPU %d: they are 0 to %d",
					 (int)cpu, cpus - 1);
	if (number == -ENODEV)
		return ebs_error_explain(error, number, "CPU %d is offline", (int)cpu);
	return ebs_error_errno(error, number, "can't attach to perf event \"%s\"", event->name);
}

// One event for each CPU (an event of a single process follows it over all CPUs).
int ebs_attach_perf_event(struct ebs_program *program, const struct ebs_attach_options *options,
			  struct ebs_link *link, struct ebs_error *error)
{
	const char *name = options->values[EBS_ATTACH_EVENT].text;
	const struct perf_event *event = find_event(name ? name : "cpu-clock", error);
	if (!event)
		return -EINVAL;

	bool by_period = options->values[EBS_ATTACH_PERIOD].given;
	bool by_frequency = options->values[EBS_ATTACH_FREQUENCY].given;
	int64_t rate = options->values[by_period ? EBS_ATTACH_PERIOD : EBS_ATTACH_FREQUENCY].number;
	if (by_period == by_frequency || rate < 1)
		return ebs_error_set(error, "EINVAL",
				     "a perf event takes either a frequency (samples a second) or "
				     "a period (events "
				     "between samples), at least 1");

	struct perf_event_attr attributes = { .type = event->type,
					      .config = event->config,
					      .freq = by_frequency };
	attributes.sample_freq = rate; // one union with sample_period
	bool one_process = options->values[EBS_ATTACH_PID].given;
	bool one_cpu = options->values[EBS_ATTACH_CPU].given;
	pid_t pid = one_process ? options->values[EBS_ATTACH_PID].number : -1;
	int first = one_cpu ? options->values[EBS_ATTACH_CPU].number : 0;
	int last = one_cpu ? first : (int)ebs_possible_cpus() - 1;
	if (one_process && !one_cpu)
		first = last = -1;

	for (int cpu = first; cpu <= last; cpu++) {
		int fd = ebs_perf_event_open(&attributes, pid, cpu);
		if (fd == -ENODEV && !one_cpu)
			continue; // offline
		int result = fd < 0 ? fd : add_event(link, program, fd);
		if (result)
			return explain_event(event, options, result, error);
	}
	return link->count ? 0
			   : ebs_error_errno(error, ENODEV, "no CPU for perf event \"%s\"",
					     event->name);
}
