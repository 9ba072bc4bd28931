// SPDX-License-Identifier: GPL-2.0-only
// XDP programs on network interfaces.
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/attach_private.h"
#include "kernel/interface.h"
#include "kernel/link_holder.h"

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

// One interface, and what is known about it while a program is attached to it.
struct place {
	const char *name;
	unsigned index;
	const struct mode *mode;
	int replaced;            // the program that was detached to make room, or -1
	uint32_t replaced_flags; // its mode
};

static int interface_mtu(const char *name)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, SIOCGIFMTU, &request))
		request.ifr_mtu = 0;
	if (fd >= 0)
		close(fd);
	return request.ifr_mtu;
}

// Says which program sits on the interface already, and whose it is.
static int explain_taken(const struct place *place, int number, struct ebs_error *error)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_prog_info info = { 0 };
	struct ebs_buffer holder = { 0 };
	uint32_t info_size = sizeof(info);

	if (bpf_xdp_query(place->index, 0, &query) || !query.prog_id)
		return ebs_error_explain(
			error, number,
			"interface %s has an XDP program already: detach that one first",
			place->name);
	int fd = bpf_prog_get_fd_by_id(query.prog_id);
	if (fd >= 0) {
		bpf_obj_get_info_by_fd(fd, &info, &info_size);
		close(fd);
	}
	uint32_t link = ebs_xdp_link(place->index);
	if (link)
		ebs_link_holder(link, &holder);
	else
		ebs_buffer_printf(&holder, "no link");
	int result = ebs_error_explain(
		error, number,
		"interface %s has an XDP program already: \"%s\" (id %u), in %s mode, by %s: %s",
		place->name, *info.name ? info.name : "?", query.prog_id,
		attached_mode(query.attach_mode), holder.size ? holder.data : "",
		link ? "nobody else can replace it, so end that first"
		     : "the option replace = true puts this one in its place");
	ebs_buffer_free(&holder);
	return result;
}

static int explain(const struct place *place, int number, struct ebs_error *error)
{
	const char *mode = place->mode->name;
	int mtu = interface_mtu(place->name);

	switch (abs(number)) {
	case EBUSY:
	case EEXIST:
		return explain_taken(place, number, error);
	case EPERM:
		return ebs_error_explain(error, number,
					 "XDP on interface %s takes root or CAP_NET_ADMIN",
					 place->name);
	case ENODEV:
		return ebs_error_explain(error, number, "interface %s is gone", place->name);
	case ENETDOWN:
		return ebs_error_explain(
			error, number,
			"interface %s is down, and takes XDP programs only when up: ip "
			"link set dev %s up",
			place->name, place->name);
	case EOPNOTSUPP:
		return ebs_error_explain(
			error, number,
			"interface %s has no %s XDP; mode \"generic\" works everywhere",
			place->name, strcmp(mode, "auto") ? mode : "native");
	case ERANGE:
	case EINVAL:
		if (strcmp(mode, "offload") == 0)
			return ebs_error_explain(
				error, number,
				"interface %s runs no XDP program itself (offload): "
				"use mode \"native\" or \"generic\"",
				place->name);
		if (abs(number) == EINVAL && mtu <= 3000)
			break;
		return ebs_error_explain(
			error, number,
			"interface %s can't run XDP in %s mode with packets as large as its MTU "
			"(%d), "
			"or that of a veth's other end, allows: make the MTU smaller than a page "
			"(3000 is safe), declare the program SEC(\"xdp.frags\"), or use mode "
			"\"generic\"",
			place->name, mode, mtu);
	}
	return ebs_error_errno(error, number, "can't attach XDP to interface %s in mode %s",
			       place->name, mode);
}

// What sits there without a link can be detached by anyone, and is kept until this one is attached.
static int make_room(struct place *place, struct ebs_error *error)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	LIBBPF_OPTS(bpf_xdp_attach_opts, options);
	int result = bpf_xdp_query(place->index, 0, &query);

	if (result || !query.prog_id)
		return result ? explain(place, result, error) : 0;
	if (query.attach_mode == XDP_ATTACHED_MULTI || ebs_xdp_link(place->index))
		return explain_taken(place, EBUSY, error);
	place->replaced = bpf_prog_get_fd_by_id(query.prog_id);
	if (place->replaced < 0)
		return ebs_error_errno(error, place->replaced,
				       "can't replace the XDP program (id %u) on interface %s",
				       query.prog_id, place->name);
	place->replaced_flags = query.attach_mode == XDP_ATTACHED_DRV  ? XDP_FLAGS_DRV_MODE
				: query.attach_mode == XDP_ATTACHED_HW ? XDP_FLAGS_HW_MODE
								       : XDP_FLAGS_SKB_MODE;
	options.old_prog_fd = place->replaced;
	result = bpf_xdp_detach((int)place->index, place->replaced_flags, &options);
	if (result) {
		close(place->replaced);
		place->replaced = -1;
		return explain(place, result, error);
	}
	return 0;
}

// By a bpf_link, so that the end of the process detaches. Returns its file descriptor or -errno.
static int create_link(const struct ebs_program *program, unsigned ifindex, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);

	return bpf_link_create(bpf_program__fd(program->handle), ifindex, BPF_XDP, &options);
}

static int attach_to(const struct ebs_program *program, struct place *place, bool replace,
		     struct ebs_link *link, struct ebs_error *error)
{
	int result = replace ? make_room(place, error) : 0;
	if (result)
		return result;
	int fd = create_link(program, place->index, place->mode->flags);
	bool refused = fd == -EBUSY || fd == -EEXIST || fd == -EPERM;

	if (fd < 0 && !place->mode->flags && !refused)
		fd = create_link(program, place->index, XDP_FLAGS_SKB_MODE);
	if (fd < 0 && place->replaced >= 0)
		bpf_xdp_attach((int)place->index, place->replaced, place->replaced_flags, NULL);
	if (place->replaced >= 0)
		close(place->replaced);
	return fd < 0 ? explain(place, fd, error) : ebs_link_add_fd(link, fd);
}

static const char *mode_of(unsigned ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	return bpf_xdp_query((int)ifindex, 0, &query) ? NULL : attached_mode(query.attach_mode);
}

int ebs_attach_xdp(struct ebs_program *program, const struct ebs_attach_options *options,
		   struct ebs_link *link, struct ebs_error *error)
{
	const char *interface = options->values[EBS_ATTACH_INTERFACE].text;
	const char *mode = options->values[EBS_ATTACH_MODE].text;
	struct place place = {
		.name = interface,
		.mode = find_mode(mode ? mode : "auto"),
		.replaced = -1,
	};
	if (!place.mode)
		return ebs_error_set(
			error, "EINVAL",
			"XDP has no mode \"%s\": it is native, generic, offload or auto", mode);
	int result = ebs_interface_find(interface, error);
	if (result < 0)
		return result;
	place.index = (unsigned)result;
	result = ebs_attach_note_bare(program->object, interface, place.index, error);
	if (result)
		return result;
	result =
		attach_to(program, &place, options->values[EBS_ATTACH_REPLACE].number, link, error);
	link->info.ifindex = place.index;
	link->info.mode = result ? NULL : mode_of(place.index);
	return result;
}
