// SPDX-License-Identifier: GPL-2.0-only
// Whether what a link is attached to is still there: interfaces, cgroups, namespaces, processes,
// files.
#include "kernel/watched.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/attach_link_private.h"
#include "kernel/clsact.h"
#include "kernel/watched_private.h"

// The kinds of links, enum bpf_link_type, whose places can go; and the start of struct
// bpf_link_info as these have it: the headers of a build may not know all of them.
enum {
	LINK_CGROUP = 3,
	LINK_NETNS = 5,
	LINK_XDP = 6,
	LINK_STRUCT_OPS = 9,
	LINK_TCX = 11,
};

struct link_info {
	uint32_t type;
	uint32_t id;
	uint32_t prog_id;
	uint32_t padding;
	union {
		uint32_t ifindex;   // XDP, TCX
		uint64_t cgroup_id; // aligned to 8
		uint32_t netns_inode;
		uint32_t map_id; // struct_ops, Linux 6.4
	};
	uint64_t rest[8];
};

static int add(struct ebs_link *link, struct ebs_watched one, const char *name)
{
	struct ebs_watched *all =
		reallocarray(link->watched, link->watched_count + 1, sizeof(*all));
	if (all)
		link->watched = all;
	one.name = all ? strdup(name) : NULL;
	if (!one.name) {
		if (one.pidfd >= 0)
			close(one.pidfd);
		return -ENOMEM;
	}
	all[link->watched_count++] = one;
	return 0;
}

int ebs_link_watch_part(struct ebs_link *link, enum ebs_place_kind kind, const char *name,
			unsigned part)
{
	unsigned index = kind == EBS_PLACE_INTERFACE ? if_nametoindex(name) : 0;
	struct ebs_watched one = { .kind = kind, .part = part, .number = (int)index, .pidfd = -1 };

	return add(link, one, name);
}

int ebs_link_watch_process(struct ebs_link *link, pid_t pid)
{
	char name[16];
	struct ebs_watched one = {
		.kind = EBS_PLACE_PROCESS,
		.number = pid,
		.pidfd = (int)syscall(SYS_pidfd_open, pid, 0), // -1 for a thread
	};

	snprintf(name, sizeof(name), "%d", (int)pid);
	return add(link, one, name);
}

int ebs_link_watch_file(struct ebs_link *link, const char *path)
{
	struct stat status;

	if (stat(path, &status))
		return 0;
	struct ebs_watched one = {
		.kind = EBS_PLACE_FILE,
		.device = status.st_dev,
		.inode = status.st_ino,
		.pidfd = -1,
	};
	return add(link, one, path);
}

void ebs_link_free_watched(struct ebs_link *link)
{
	for (unsigned i = 0; i < link->watched_count; i++) {
		if (link->watched[i].pidfd >= 0)
			close(link->watched[i].pidfd);
		free(link->watched[i].name);
	}
	free(link->watched);
}

static bool has_interface(int index)
{
	char name[IF_NAMESIZE];

	return if_indextoname((unsigned)index, name);
}

// By a packet socket: the kernel unbinds it from an interface that goes.
static bool is_unbound(int fd)
{
	struct sockaddr_ll address = { 0 };
	socklen_t size = sizeof(address);

	return getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
	       address.sll_family == AF_PACKET && address.sll_ifindex == -1;
}

// Whether the link's descriptor says that it is attached to nothing.
static bool is_detached(const struct ebs_link_part *part)
{
	int fd = part->handle ? bpf_link__fd(part->handle) : part->fd;
	struct link_info info = { 0 };
	uint32_t size = sizeof(info);

	if (part->detach)
		return ebs_clsact_is_gone(part);
	if (fd < 0)
		return false;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return is_unbound(fd);
	switch (info.type) {
	case LINK_XDP:
	case LINK_TCX:
		return !info.ifindex;
	case LINK_CGROUP:
		return !info.cgroup_id;
	case LINK_NETNS:
		return !info.netns_inode;
	case LINK_STRUCT_OPS:
		return size > offsetof(struct link_info, map_id) && !info.map_id;
	default:
		return false;
	}
}

static enum ebs_why_gone look_at_interface(const struct ebs_watched *one,
					   const struct ebs_link_part *part)
{
	bool is_here = has_interface(one->number);

	if (!is_detached(part))
		return is_here ? EBS_STILL_THERE : EBS_GONE_MOVED;
	return is_here ? EBS_GONE_DETACHED : EBS_GONE_REMOVED;
}

static enum ebs_why_gone look_at_process(const struct ebs_watched *one)
{
	struct pollfd pidfd = { .fd = one->pidfd, .events = POLLIN };

	if (one->pidfd >= 0)
		return poll(&pidfd, 1, 0) > 0 ? EBS_GONE_REMOVED : EBS_STILL_THERE;
	return kill(one->number, 0) && errno == ESRCH ? EBS_GONE_REMOVED : EBS_STILL_THERE;
}

// A folder that this process may not look into any more says nothing.
static enum ebs_why_gone look_at_file(const struct ebs_watched *one)
{
	struct stat status;

	if (stat(one->name, &status))
		return errno == ENOENT || errno == ENOTDIR ? EBS_GONE_REMOVED : EBS_STILL_THERE;
	return status.st_dev == one->device && status.st_ino == one->inode ? EBS_STILL_THERE
									   : EBS_GONE_REPLACED;
}

static enum ebs_why_gone look_at(const struct ebs_link *link, const struct ebs_watched *one)
{
	const struct ebs_link_part *part = &link->parts[one->part];

	switch (one->kind) {
	case EBS_PLACE_INTERFACE:
		return look_at_interface(one, part);
	case EBS_PLACE_PROCESS:
		return look_at_process(one);
	case EBS_PLACE_FILE:
		return look_at_file(one);
	default:
		if (!is_detached(part))
			return EBS_STILL_THERE;
		return one->kind == EBS_PLACE_TABLE || access(one->name, F_OK) == 0
			       ? EBS_GONE_DETACHED
			       : EBS_GONE_REMOVED;
	}
}

bool ebs_link_is_watched(const struct ebs_link *link)
{
	return link->watched_count;
}

void ebs_link_look(struct ebs_link *link)
{
	for (unsigned i = 0; i < link->watched_count; i++)
		if (!link->watched[i].why)
			link->watched[i].why = look_at(link, &link->watched[i]);
}

bool ebs_link_next_gone(struct ebs_link *link, struct ebs_gone *gone)
{
	for (unsigned i = 0; i < link->watched_count; i++) {
		struct ebs_watched *one = &link->watched[i];

		if (!one->why || one->told)
			continue;
		one->told = true;
		*gone = (struct ebs_gone){ one->kind, one->why, one->name };
		return true;
	}
	return false;
}

// A file that was replaced is still probed in old processes, a moved interface's program still runs.
static bool is_lost(const struct ebs_watched *one, bool in_part)
{
	bool still_runs = one->kind == EBS_PLACE_FILE || one->why == EBS_GONE_MOVED;

	return one->why && (in_part || !still_runs);
}

// Whether all places of the link's parts are lost, or what it needs besides.
static bool has_lost(const struct ebs_link *link, bool in_part)
{
	unsigned parts = 0, lost = 0;

	for (unsigned i = 0; i < link->watched_count; i++) {
		const struct ebs_watched *one = &link->watched[i];
		bool is_part = one->kind != EBS_PLACE_PROCESS && one->kind != EBS_PLACE_FILE;

		if (!is_part && is_lost(one, in_part))
			return true;
		parts += is_part;
		lost += is_part && is_lost(one, in_part);
	}
	return parts && lost == parts;
}

bool ebs_link_is_alive(const struct ebs_link *link)
{
	return !has_lost(link, true);
}

bool ebs_link_is_blind(const struct ebs_link *link)
{
	return has_lost(link, false);
}

const char *ebs_why_gone_name(enum ebs_why_gone why)
{
	static const char *const names[] = {
		[EBS_STILL_THERE] = "there",      [EBS_GONE_REMOVED] = "removed",
		[EBS_GONE_MOVED] = "moved",       [EBS_GONE_REPLACED] = "replaced",
		[EBS_GONE_DETACHED] = "detached",
	};

	return names[why];
}

void ebs_gone_describe(const struct ebs_gone *gone, const char *program, struct ebs_buffer *out)
{
	static const char *const kinds[] = {
		[EBS_PLACE_INTERFACE] = "interface ",
		[EBS_PLACE_CGROUP] = "cgroup ",
		[EBS_PLACE_NAMESPACE] = "network namespace ",
		[EBS_PLACE_PROCESS] = "process ",
		[EBS_PLACE_FILE] = "",
		[EBS_PLACE_TABLE] = "struct_ops ",
	};
	const char *kind = kinds[gone->kind];
	const char *became = gone->kind == EBS_PLACE_PROCESS ? "has ended" : "is gone";

	if (gone->why == EBS_GONE_DETACHED)
		ebs_buffer_printf(out, "somebody else has detached program \"%s\" from %s%s",
				  program, kind, gone->name);
	else if (gone->kind == EBS_PLACE_FILE)
		ebs_buffer_printf(out,
				  "%s %s: program \"%s\" runs only in processes that have the old "
				  "file",
				  gone->name,
				  gone->why == EBS_GONE_REPLACED ? "was replaced" : became,
				  program);
	else if (gone->why == EBS_GONE_MOVED)
		ebs_buffer_printf(out,
				  "%s%s was moved to another network namespace, where program "
				  "\"%s\" still runs",
				  kind, gone->name, program);
	else
		ebs_buffer_printf(out, "%s%s %s: program \"%s\" sees no more of it", kind,
				  gone->name, became, program);
}
