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
#include "kernel/watched_private.h"

// libbpf would end what a perf event does, though a pin holds its link. Its descriptor of the event
// stays open.
static void let_go(struct bpf_link *handle)
{
	int fd = bpf_link__fd(handle);

	bpf_link__disconnect(handle);
	bpf_link__destroy(handle);
	close(fd);
}

static void free_part(struct ebs_link_part part, bool pinned)
{
	if (part.handle && pinned)
		let_go(part.handle);
	else if (part.detach)
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
		free_part(part, false);
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

// Names a few of those that are left out.
static void note_left_out(struct ebs_link *link)
{
	const char *some[3];
	uint32_t count = 0;

	for (uint32_t i = 0; i < link->info.symbol_count; i++) {
		if (link->left_out[i] && count < 3)
			some[count] = link->symbols[i];
		count += link->left_out[i];
	}
	if (!count)
		return;
	ebs_buffer_printf(&link->notices,
			  "%u function%s left out, as the kernel can't probe %s: ", count,
			  count == 1 ? " is" : "s are", count == 1 ? "it" : "them");
	for (uint32_t i = 0; i < count && i < 3; i++)
		ebs_buffer_printf(&link->notices, "%s%s", i ? ", " : "", some[i]);
	if (count > 3)
		ebs_buffer_printf(&link->notices, " and %u more (link.info.left_out)", count - 3);
	ebs_buffer_append_char(&link->notices, '\n');
}

int ebs_link_set_symbols(struct ebs_link *link, char **names, uint32_t count, const bool *left_out)
{
	link->symbols = names;
	link->info.symbols = (const char *const *)names;
	link->info.symbol_count = count;
	link->left_out = calloc(count, sizeof(*link->left_out));
	if (!link->left_out)
		return -ENOMEM;
	memcpy(link->left_out, left_out, count * sizeof(*left_out));
	link->info.left_out = link->left_out;
	note_left_out(link);
	return 0;
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
		free_part(link->parts[i], link->pin_path);
	free(link->pin_path);
	ebs_link_free_watched(link);
	free(link->parts);
	free(link->interface);
	for (uint32_t i = 0; i < link->info.symbol_count; i++)
		free(link->symbols[i]);
	free(link->symbols);
	free(link->left_out);
	ebs_buffer_free(&link->notices);
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
	struct ebs_link_info info = link->info;

	info.pinned = link->pin_path;
	info.notices = link->notices.size && !link->notices.failed ? link->notices.data : NULL;
	return info;
}
