// SPDX-License-Identifier: GPL-2.0-only
// What holds an attached program where it is: its parts, its end, and what an iterator's writes.
#include "kernel/attach_link.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/attach_link_private.h"
#include "kernel/object.h"

static void free_part(struct ebs_link_part part)
{
	if (part.detach)
		part.detach(&part);
	else if (part.handle)
		bpf_link__destroy(part.handle);
	else
		close(part.fd);
}

int ebs_link_add_part(struct ebs_link *link, struct ebs_link_part part)
{
	struct ebs_link_part *parts = reallocarray(link->parts, link->count + 1, sizeof(*parts));
	if (!parts) {
		free_part(part);
		return -ENOMEM;
	}
	link->parts = parts;
	link->parts[link->count++] = part;
	return 0;
}

int ebs_link_add(struct ebs_link *link, struct bpf_link *handle)
{
	if (!handle)
		return errno ? -errno : -EOPNOTSUPP;
	return ebs_link_add_part(link, (struct ebs_link_part){ .handle = handle });
}

int ebs_link_add_fd(struct ebs_link *link, int fd)
{
	return ebs_link_add_part(link, (struct ebs_link_part){ .fd = fd });
}

// What was missed stays counted.
static void forget(struct ebs_program *program, struct ebs_link *link)
{
	struct ebs_link **place = &program->links;

	program->missed_by_links += ebs_link_missed(link);
	while (*place != link)
		place = &(*place)->next;
	*place = link->next;
}

void ebs_link_free(struct ebs_link *link)
{
	if (!link)
		return;
	if (link->program)
		forget(link->program, link);
	for (unsigned i = 0; i < link->count; i++)
		free_part(link->parts[i]);
	free(link->parts);
	free(link->interface);
	free(link);
}

int ebs_link_iterate(const struct ebs_link *link, struct ebs_error *error)
{
	if (link->count != 1 || link->parts[0].handle || strcmp(link->info.kind, "iter"))
		return ebs_error_set(
			error, "EINVAL",
			"program '%s' (%s) is no iterator: only what SEC(\"iter/...\") "
			"writes can be read",
			link->info.program, link->info.kind);
	int fd = bpf_iter_create(link->parts[0].fd);
	return fd < 0 ? ebs_error_errno(error, fd, "can't run iterator '%s'", link->info.program)
		      : fd;
}

struct ebs_link_info ebs_link_info(const struct ebs_link *link)
{
	return link->info;
}
