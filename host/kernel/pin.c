// SPDX-License-Identifier: GPL-2.0-only
// Pins of maps, programs and links.
#include "kernel/pin.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/path.h"
#include "base/trust.h"
#include "kernel/attach_link_private.h"
#include "kernel/object.h"

// Mostly the folder is wrong.
int ebs_explain_pin(const char *what, const char *path, int number, struct ebs_error *error)
{
	char *folder = ebs_path_directory(path);
	struct statfs status;
	int result;

	if (number == EEXIST)
		result = ebs_error_explain(error, number, "can't pin %s: \"%s\" exists already",
					   what, path);
	else if (folder && statfs(folder, &status))
		result = ebs_error_errno(error, errno, "can't pin %s in folder \"%s\"", what,
					 folder);
	else if (folder && status.f_type != BPF_FS_MAGIC)
		result = ebs_error_explain(
			error, number,
			"can't pin %s: folder \"%s\" is on no BPF file system; mount one: "
			"mount -t bpf bpf /sys/fs/bpf",
			what, folder);
	else if (number == EPERM && strchr(path + strlen(folder ? folder : ""), '.'))
		result = ebs_error_explain(
			error, number,
			"can't pin %s at \"%s\": the kernel takes no names with a dot", what, path);
	else
		result = ebs_error_errno(error, number, "can't pin %s at \"%s\"", what, path);
	free(folder);
	return result;
}

static int check_folder(const char *what, const char *path, struct ebs_error *error)
{
	char *folder = ebs_path_directory(path);
	struct ebs_error distrust = { 0 };
	int result = 0;

	if (folder && ebs_trust_path(folder, EBS_TRUST_NAMED, &distrust) == -EPERM)
		result = ebs_error_explain(error, EPERM, "can't pin %s at \"%s\": %s", what, path,
					   ebs_error_text(&distrust));
	ebs_error_clear(&distrust);
	free(folder);
	return result;
}

int ebs_pin(int fd, const char *what, const char *path, struct ebs_error *error)
{
	int result = check_folder(what, path, error);

	if (result || !bpf_obj_pin(fd, path))
		return result;
	return ebs_explain_pin(what, path, errno, error);
}

int ebs_program_pin(const struct ebs_program *program, const char *path, struct ebs_error *error)
{
	char what[80];

	snprintf(what, sizeof(what), "program \"%s\"", program->name);
	return ebs_pin(ebs_program_fd(program), what, path, error);
}

int ebs_link_pin(struct ebs_link *link, const char *path, struct ebs_error *error)
{
	struct ebs_link_part *part = link->parts;
	char what[80];

	snprintf(what, sizeof(what), "the link of program \"%s\"", link->info.program);
	if (link->pin_path)
		return ebs_error_explain(error, EEXIST,
					 "%s is pinned at \"%s\" already: unpin() it first", what,
					 link->pin_path);
	if (link->count != 1)
		return ebs_error_explain(
			error, EINVAL,
			"can't pin %s: it is attached to %u places, and a pin holds "
			"one; attach it to each by a call of its own",
			what, link->count);
	if (part->detach)
		return ebs_error_explain(error, EOPNOTSUPP,
					 "can't pin %s: this kernel attaches %s programs without "
					 "links, which a pin could hold",
					 what, link->info.kind);
	char *kept = strdup(path);
	int result = kept ? ebs_pin(part->handle ? bpf_link__fd(part->handle) : part->fd, what,
				    path, error)
			  : ebs_error_errno(error, ENOMEM, "can't pin %s", what);
	if (result)
		free(kept);
	else
		link->pin_path = kept;
	return result;
}

static int unpin(const char *what, const char *path, struct ebs_error *error)
{
	if (unlink(path) && errno != ENOENT)
		return ebs_error_errno(error, errno, "can't unpin %s from \"%s\"", what, path);
	return 0;
}

int ebs_link_unpin(struct ebs_link *link, struct ebs_error *error)
{
	int result = link->pin_path ? unpin("the link", link->pin_path, error)
				    : ebs_error_explain(error, ENOENT,
							"the link of program \"%s\" is not pinned",
							link->info.program);

	if (!result) {
		free(link->pin_path);
		link->pin_path = NULL;
	}
	return result;
}

void ebs_pin_name_fd(int fd, char *name, size_t size)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(path, name, size - 1);
	name[length > 0 ? length : 0] = '\0';
}

static enum ebs_pin_kind kind_of(int fd)
{
	char kind[64];

	ebs_pin_name_fd(fd, kind, sizeof(kind));
	return strstr(kind, "bpf-map")                                ? EBS_PIN_MAP
	       : strstr(kind, "bpf-prog")                             ? EBS_PIN_PROGRAM
	       : strstr(kind, "bpf_link") || strstr(kind, "bpf-link") ? EBS_PIN_LINK
								      : EBS_PIN_UNKNOWN;
}

enum ebs_pin_kind ebs_pin_kind(const char *path)
{
	int fd = bpf_obj_get(path);
	enum ebs_pin_kind kind = fd < 0 ? EBS_PIN_UNKNOWN : kind_of(fd);

	if (fd >= 0)
		close(fd);
	return kind;
}

int ebs_pinned_link_open(struct ebs_pinned_link *link, const char *path, struct ebs_error *error)
{
	struct ebs_error distrust = { 0 };
	int result = 0;

	if (ebs_trust_path(path, EBS_TRUST_NAMED, &distrust) == -EPERM)
		result = ebs_error_explain(error, EPERM, "the pinned link \"%s\" is not opened: %s",
					   path, ebs_error_text(&distrust));
	ebs_error_clear(&distrust);
	if (result)
		return result;
	link->path = strdup(path);
	link->fd = link->path ? bpf_obj_get(path) : -1;
	return link->fd < 0
		       ? ebs_error_errno(error, errno, "can't open the pinned link \"%s\"", path)
		       : 0;
}

void ebs_pinned_link_close(struct ebs_pinned_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	free(link->path);
	*link = (struct ebs_pinned_link){ .fd = -1 };
}

int ebs_pinned_link_unpin(struct ebs_pinned_link *link, struct ebs_error *error)
{
	return unpin("the link", link->path, error);
}

// The kernel's struct bpf_link_info as far as it is the same in all versions: what follows depends
// on the type, and begins with the interface's index or with 64 bits of the cgroup's id.
struct link_info {
	uint32_t type; // enum bpf_link_type
	uint32_t id;
	uint32_t program_id;
	uint32_t padding;
	union {
		uint32_t ifindex;
		uint64_t cgroup_id;
		uint8_t bytes[112];
	};
};

enum place { NO_PLACE, INTERFACE, CGROUP };

// By enum bpf_link_type, which newer headers know more of than older ones.
static const struct link_type {
	const char *name;
	enum place place;
} link_types[] = {
	[1] = { "raw_tracepoint" },
	[2] = { "tracing" },
	[3] = { "cgroup", CGROUP },
	[4] = { "iter" },
	[5] = { "netns" },
	[6] = { "xdp", INTERFACE },
	[7] = { "perf_event" },
	[8] = { "kprobe_multi" },
	[9] = { "struct_ops" },
	[10] = { "netfilter" },
	[11] = { "tcx", INTERFACE },
	[12] = { "uprobe_multi" },
	[13] = { "netkit", INTERFACE },
	[14] = { "sockmap" },
};

static void ask_program(uint32_t id, char *name, size_t size)
{
	struct bpf_prog_info info = { 0 };
	uint32_t info_size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	*name = '\0';
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &info_size))
		snprintf(name, size, "%.*s", (int)sizeof(info.name) - 1, info.name);
	close(fd);
}

int ebs_pinned_link_ask(const struct ebs_pinned_link *link, struct ebs_pinned_link_info *info,
			struct ebs_error *error)
{
	const size_t count = sizeof(link_types) / sizeof(*link_types);
	struct link_info answer = { 0 };
	uint32_t size = sizeof(answer);

	if (bpf_obj_get_info_by_fd(link->fd, &answer, &size))
		return ebs_error_errno(error, errno, "can't ask what the pinned link \"%s\" is",
				       link->path);
	const struct link_type *type = answer.type < count && link_types[answer.type].name
					       ? &link_types[answer.type]
					       : NULL;
	*info = (struct ebs_pinned_link_info){
		.kind = type ? type->name : "unknown",
		.id = answer.id,
		.ifindex = type && type->place == INTERFACE ? answer.ifindex : 0,
		.alive = !type || type->place == NO_PLACE ||
			 (type->place == INTERFACE ? answer.ifindex != 0 : answer.cgroup_id != 0),
	};
	ask_program(answer.program_id, info->program, sizeof(info->program));
	return 0;
}
