// SPDX-License-Identifier: GPL-2.0-only
// TC programs as filters of a clsact qdisc. All filters of a process have one handle, which tells
// that they are ebscript's, and whose: an abstract socket of that name lives in the same network
// namespace, and just as long as the process.
#include "kernel/clsact.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "kernel/at_end.h"
#include "kernel/log.h"

#define OURS      0xEB500000u // in the upper 12 bits of a handle; the others are random
#define OURS_MASK 0xFFF00000u

// One filter, as the kernel lists it.
struct filter {
	uint32_t handle;
	uint32_t priority;
};

struct filters {
	struct filter *all;
	size_t count;
};

// Takes the name for as long as the descriptor is open. Returns it, or -EADDRINUSE when a process
// has it, or another -errno.
static int take_name(uint32_t handle)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
			      "ebscript-clsact-%08x", handle);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&address,
		  offsetof(struct sockaddr_un, sun_path) + 1 + (socklen_t)length))
		return fd;
	int number = errno;
	close(fd);
	return -number;
}

// This process's handle, in `out`. The socket is never closed: the end of the process does that.
static int own_handle(uint32_t *out)
{
	static uint32_t own;
	int fd = own ? 0 : -EADDRINUSE;

	while (fd == -EADDRINUSE) {
		uint32_t number;

		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			return -errno;
		own = OURS | (number & ~OURS_MASK);
		fd = take_name(own);
	}
	if (fd < 0)
		own = 0;
	*out = own;
	return fd < 0 ? fd : 0;
}

static bool is_stale(uint32_t handle)
{
	if ((handle & OURS_MASK) != OURS)
		return false;
	int fd = take_name(handle);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

// Takes a message: its head, and what lies behind that. False when none is whole.
static bool take_message(struct ebs_bytes *left, struct nlmsghdr *head, struct ebs_bytes *content)
{
	struct ebs_bytes look = *left;

	if (!ebs_bytes_copy(&look, head, sizeof(*head)) ||
	    !ebs_bytes_take(left, head->nlmsg_len, content))
		return false;
	ebs_bytes_take(left, NLMSG_ALIGN(head->nlmsg_len) - head->nlmsg_len, NULL);
	return ebs_bytes_take(content, NLMSG_HDRLEN, NULL);
}

// The same for an attribute of a message.
static bool take_attribute(struct ebs_bytes *left, struct rtattr *head, struct ebs_bytes *content)
{
	struct ebs_bytes look = *left;

	if (!ebs_bytes_copy(&look, head, sizeof(*head)) ||
	    !ebs_bytes_take(left, head->rta_len, content))
		return false;
	ebs_bytes_take(left, RTA_ALIGN(head->rta_len) - head->rta_len, NULL);
	return ebs_bytes_take(content, RTA_LENGTH(0), NULL);
}

static bool is_bpf(struct ebs_bytes attributes)
{
	struct ebs_bytes content;
	struct rtattr head;

	while (take_attribute(&attributes, &head, &content)) {
		if (head.rta_type != TCA_KIND)
			continue;
		const char *kind = ebs_bytes_text(&content);
		return kind && strcmp(kind, "bpf") == 0;
	}
	return false;
}

// Returns 1 when more messages come, 0 at the end, or -errno.
static int read_filters(int fd, struct filters *filters)
{
	static char buffer[32 * 1024];
	ssize_t received = recv(fd, buffer, sizeof(buffer), 0);
	if (received <= 0)
		return received ? -errno : -EPIPE;
	struct ebs_bytes left = ebs_bytes_of(buffer, (size_t)received);
	struct ebs_bytes content;
	struct nlmsghdr head;
	struct tcmsg found;
	int number;

	while (take_message(&left, &head, &content)) {
		if (head.nlmsg_type == NLMSG_DONE)
			return 0;
		if (head.nlmsg_type == NLMSG_ERROR)
			return ebs_bytes_copy(&content, &number, sizeof(number)) ? number : -EPROTO;
		if (head.nlmsg_type != RTM_NEWTFILTER ||
		    !ebs_bytes_copy(&content, &found, sizeof(found)) || !found.tcm_handle ||
		    !is_bpf(content))
			continue;
		struct filter *all =
			reallocarray(filters->all, filters->count + 1, sizeof(*filters->all));
		if (!all)
			return -ENOMEM;
		filters->all = all;
		all[filters->count++] = (struct filter){ .handle = found.tcm_handle,
							 .priority = found.tcm_info >> 16 };
	}
	return 1;
}

static uint32_t parent_of(enum bpf_tc_attach_point point)
{
	return TC_H_MAKE(TC_H_CLSACT, point == BPF_TC_EGRESS ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
}

// What could not be listed isn't there.
static void list_filters(int ifindex, enum bpf_tc_attach_point point, struct filters *filters)
{
	struct {
		struct nlmsghdr header;
		struct tcmsg filter;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_GETTFILTER,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.filter = { .tcm_ifindex = ifindex, .tcm_parent = parent_of(point) },
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return;
	if (send(fd, &request, sizeof(request), 0) == sizeof(request))
		while (read_filters(fd, filters) > 0)
			;
	close(fd);
}

static void detach(int ifindex, enum bpf_tc_attach_point point, uint32_t handle, uint32_t priority)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = handle, .priority = priority);

	bpf_tc_detach(&hook, &options);
}

// Takes away the filters with that handle; 0: all that killed processes have left.
static void remove_filters(int ifindex, uint32_t handle)
{
	static const enum bpf_tc_attach_point points[] = { BPF_TC_INGRESS, BPF_TC_EGRESS };

	for (int i = 0; i < 2; i++) {
		struct filters filters = { 0 };

		list_filters(ifindex, points[i], &filters);
		for (size_t j = 0; j < filters.count; j++) {
			const struct filter *filter = &filters.all[j];

			if (handle ? filter->handle != handle : !is_stale(filter->handle))
				continue;
			detach(ifindex, points[i], filter->handle, filter->priority);
			if (!handle)
				ebs_log_note("took a TC filter away that a killed ebscript had "
					     "left on interface %d",
					     ifindex);
		}
		free(filters.all);
	}
}

void ebs_clsact_remove(int ifindex, uint32_t handle)
{
	remove_filters(ifindex, handle);
}

static void detach_part(const struct ebs_link_part *part)
{
	detach(part->target, part->type, part->clsact_handle, part->clsact_priority);
}

bool ebs_clsact_is_gone(const struct ebs_link_part *part)
{
	struct filters filters = { 0 };
	bool found = false;

	if (part->detach != detach_part)
		return false;
	list_filters(part->target, part->type, &filters);
	for (size_t i = 0; i < filters.count; i++)
		found |= filters.all[i].handle == part->clsact_handle;
	free(filters.all);
	return !found;
}

int ebs_clsact_attach(const struct ebs_program *program, unsigned ifindex, bool egress,
		      struct ebs_link *link)
{
	enum bpf_tc_attach_point point = egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = bpf_program__fd(program->handle));
	int result = bpf_tc_hook_create(&hook);

	if (result && result != -EEXIST)
		return result;
	result = own_handle(&options.handle);
	if (!result)
		result = ebs_at_end_remove_filters((int)ifindex, options.handle);
	if (result)
		return result;
	remove_filters((int)ifindex, 0);
	result = bpf_tc_attach(&hook, &options);
	if (result)
		return result;
	link->info.mode = "clsact";
	return ebs_link_add_part(link,
				 (struct ebs_link_part){ .fd = -1,
							 .detach = detach_part,
							 .target = (int)ifindex,
							 .type = point,
							 .clsact_handle = options.handle,
							 .clsact_priority = options.priority });
}
