// SPDX-License-Identifier: GPL-2.0-only
// XDP programs on network interfaces.
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/attach_private.h"

static const struct mode {
	const char *name;
	uint32_t flags;
} modes[] = {
	{ "auto", 0 },
	{ "native", XDP_FLAGS_DRV_MODE },
	{ "generic", XDP_FLAGS_SKB_MODE },
	{ "offload", XDP_FLAGS_HW_MODE },
};

static const struct mode *find_mode(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, name) == 0)
			return &modes[i];
	return NULL;
}

static const char *attached_mode(uint8_t mode)
{
	switch (mode) {
	case XDP_ATTACHED_DRV:
		return "native";
	case XDP_ATTACHED_SKB:
		return "generic";
	case XDP_ATTACHED_HW:
		return "offload";
	default:
		return "several modes";
	}
}

// Says which program sits on the interface already.
static int explain_taken(const char *interface, unsigned ifindex, int number,
			 struct ebs_error *error)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_prog_info info = { 0 };
	uint32_t info_size = sizeof(info);

	if (bpf_xdp_query(ifindex, 0, &query) || !query.prog_id)
		return ebs_error_explain(
			error, number,
			"interface %s has an XDP program already: detach that one first",
			interface);
	int fd = bpf_prog_get_fd_by_id(query.prog_id);
	if (fd >= 0) {
		bpf_obj_get_info_by_fd(fd, &info, &info_size);
		close(fd);
	}
	return ebs_error_explain(error, number,
				 "interface %s has an XDP program already: \"%s\" (id %u), in %s "
				 "mode; detach it first",
				 interface, *info.name ? info.name : "?", query.prog_id,
				 attached_mode(query.attach_mode));
}

static int explain(const char *interface, unsigned ifindex, const char *mode, int number,
		   struct ebs_error *error)
{
	switch (abs(number)) {
	case EBUSY:
	case EEXIST:
		return explain_taken(interface, ifindex, number, error);
	case EPERM:
		return ebs_error_explain(error, number,
					 "XDP on interface %s takes root or CAP_NET_ADMIN",
					 interface);
	case EOPNOTSUPP:
		return ebs_error_explain(
			error, number,
			"interface %s has no %s XDP; mode \"generic\" works everywhere", interface,
			strcmp(mode, "auto") ? mode : "native");
	default:
		return ebs_error_errno(error, number, "can't attach XDP to interface %s in mode %s",
				       interface, mode);
	}
}

// By a bpf_link, so that the end of the process detaches. Returns its file descriptor or -errno.
static int create_link(const struct ebs_program *program, unsigned ifindex, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);

	return bpf_link_create(bpf_program__fd(program->handle), ifindex, BPF_XDP, &options);
}

int ebs_attach_xdp(struct ebs_program *program, const struct ebs_attach_options *options,
		   struct ebs_link *link, struct ebs_error *error)
{
	const char *interface = options->values[EBS_ATTACH_INTERFACE].text;
	const char *mode_name = options->values[EBS_ATTACH_MODE].text;
	const struct mode *mode = find_mode(mode_name ? mode_name : "auto");
	if (!mode)
		return ebs_error_set(
			error, "EINVAL",
			"XDP has no mode \"%s\": it is native, generic, offload or auto",
			mode_name);
	unsigned ifindex = if_nametoindex(interface);
	if (!ifindex)
		return ebs_error_explain(error, ENODEV, "there is no network interface \"%s\"",
					 interface);
	link->interface = strdup(interface);
	if (!link->interface)
		return ebs_error_errno(error, ENOMEM, "can't attach to %s", interface);

	int fd = create_link(program, ifindex, mode->flags);
	bool refused = fd == -EBUSY || fd == -EEXIST || fd == -EPERM;
	if (fd < 0 && !mode->flags && !refused)
		fd = create_link(program, ifindex, XDP_FLAGS_SKB_MODE);
	if (fd < 0)
		return explain(interface, ifindex, mode->name, fd, error);

	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	link->info.interface = link->interface;
	link->info.ifindex = ifindex;
	link->info.mode =
		bpf_xdp_query(ifindex, 0, &query) ? NULL : attached_mode(query.attach_mode);
	return ebs_link_add_fd(link, fd);
}
