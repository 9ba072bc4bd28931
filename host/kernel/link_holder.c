// SPDX-License-Identifier: GPL-2.0-only
// Whose link it is that sits on an interface. The kernel tells of links, and /proc of the processes
// that have one open.
#include "kernel/link_holder.h"

#include <bpf/bpf.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

uint32_t ebs_xdp_link(unsigned ifindex)
{
	uint32_t id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info info = { 0 };
		uint32_t size = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);
		bool found = fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) &&
			     info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == ifindex;

		if (fd >= 0)
			close(fd);
		if (found)
			return id;
	}
	return 0;
}

static bool is_link(const char *fdinfo, uint32_t link)
{
	FILE *file = fopen(fdinfo, "re");
	char line[128];
	unsigned id = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "link_id: %u", &id) == 1 && id == link)
			break;
	if (file)
		fclose(file);
	return id == link;
}

static bool holds(const char *process, uint32_t link)
{
	char path[600];

	snprintf(path, sizeof(path), "/proc/%s/fdinfo", process);
	DIR *folder = opendir(path);
	struct dirent *entry;
	bool found = false;

	while (folder && !found && (entry = readdir(folder))) {
		snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", process, entry->d_name);
		found = isdigit((unsigned char)*entry->d_name) && is_link(path, link);
	}
	if (folder)
		closedir(folder);
	return found;
}

static void append_process(const char *process, struct ebs_buffer *out)
{
	char path[300], name[32] = "?";

	snprintf(path, sizeof(path), "/proc/%s/comm", process);
	FILE *file = fopen(path, "re");
	if (file) {
		if (fgets(name, sizeof(name), file))
			name[strcspn(name, "\n")] = '\0';
		fclose(file);
	}
	ebs_buffer_printf(out, " of process %s (%s)", process, name);
}

void ebs_link_holder(uint32_t link, struct ebs_buffer *out)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	ebs_buffer_printf(out, "link %u", link);
	while (folder && !found && (entry = readdir(folder))) {
		found = isdigit((unsigned char)*entry->d_name) && holds(entry->d_name, link);
		if (found)
			append_process(entry->d_name, out);
	}
	if (folder)
		closedir(folder);
	if (!found)
		ebs_buffer_append_string(out, ", which is pinned or in another process namespace");
}
