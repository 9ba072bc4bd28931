// SPDX-License-Identifier: GPL-2.0-only
// Runs of programs that the kernel left out, as it counts them: for a program, and for a probe.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "kernel/attach_link_private.h"
#include "kernel/object_private.h"

// The start of struct bpf_link_info as Linux 6.7 has it: the headers that this is built with may
// not know all of it, nor may the kernel. BPF_PERF_EVENT_KPROBE and its neighbour are from 6.6.
struct link_info {
	uint32_t type;
	uint32_t id;
	uint32_t prog_id;
	uint32_t padding;
	union {
		struct {
			uint64_t addrs;
			uint32_t count;
			uint32_t flags;
			uint64_t missed;
		} kprobe_multi;
		struct {
			uint32_t type;
			uint32_t padding;
			uint64_t func_name;
			uint32_t name_len;
			uint32_t offset;
			uint64_t addr;
			uint64_t missed;
		} kprobe; // of a perf event
	};
};

enum { PERF_EVENT_KPROBE = 3, PERF_EVENT_KRETPROBE = 4 };

_Static_assert(offsetof(struct link_info, kprobe_multi.missed) == 32, "the kernel's layout");
_Static_assert(offsetof(struct link_info, kprobe.missed) == 48, "the kernel's layout");

#define HAS(info, length, member) \
	((length) >= offsetof(__typeof__(info), member) + sizeof((info).member))

// What the kernel counts for the probe. A part that is none is marked, and not asked again.
static uint64_t part_missed(struct ebs_link_part *part)
{
	int fd = part->handle ? bpf_link__fd(part->handle) : part->fd;
	struct link_info info = { 0 };
	uint32_t length = sizeof(info);

	if (part->never_misses)
		return 0;
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &length)) {
		if (info.type == BPF_LINK_TYPE_KPROBE_MULTI &&
		    HAS(info, length, kprobe_multi.missed))
			return info.kprobe_multi.missed;
		if (info.type == BPF_LINK_TYPE_PERF_EVENT &&
		    (info.kprobe.type == PERF_EVENT_KPROBE ||
		     info.kprobe.type == PERF_EVENT_KRETPROBE) &&
		    HAS(info, length, kprobe.missed))
			return info.kprobe.missed;
	}
	part->never_misses = true;
	return 0;
}

uint64_t ebs_link_missed(struct ebs_link *link)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < link->count; i++)
		sum += part_missed(&link->parts[i]);
	return sum;
}

uint64_t ebs_program_missed(const struct ebs_program *program)
{
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);
	uint64_t sum = program->missed_by_links;

	if (!bpf_obj_get_info_by_fd(bpf_program__fd(program->handle), &info, &length) &&
	    HAS(info, length, recursion_misses))
		sum += info.recursion_misses;
	for (struct ebs_link *link = program->links; link; link = link->next)
		sum += ebs_link_missed(link);
	return sum;
}
