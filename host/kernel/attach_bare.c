// SPDX-License-Identifier: GPL-2.0-only
// Interfaces whose packets begin with IP, and not with Ethernet: what packet.bpf.h knows of them.
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/attach_private.h"
#include "kernel/globals.h"

#define LIST "packet_bare_interfaces"

// By the kind of hardware that the interface says it is: tun, WireGuard, PPP, IP in IP and others.
static bool is_bare(const char *name)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	int result = fd < 0 ? -1 : ioctl(fd, SIOCGIFHWADDR, &request);
	if (fd >= 0)
		close(fd);
	if (result)
		return false;
	switch (request.ifr_hwaddr.sa_family) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
	case ARPHRD_IEEE80211:
		return false;
	default:
		return true;
	}
}

static const struct ebs_global *find_list(struct ebs_object *object, struct ebs_error *error)
{
	size_t count;
	const struct ebs_global *globals = ebs_object_globals(object, &count, error);

	for (size_t i = 0; globals && i < count; i++)
		if (strcmp(globals[i].name, LIST) == 0)
			return &globals[i];
	return NULL;
}

int ebs_attach_note_bare(struct ebs_object *object, const char *name, unsigned index,
			 struct ebs_error *error)
{
	if (!is_bare(name))
		return 0;
	const struct ebs_global *list = find_list(object, error);
	if (!list)
		return ebs_error_is_set(error) ? -EINVAL : 0; // the C doesn't use packet.bpf.h
	uint32_t *indices = (uint32_t *)(void *)list->data;
	size_t room = list->layout->size / sizeof(*indices);
	size_t at = 0;

	while (indices && at < room && indices[at] && indices[at] != index)
		at++;
	if (!indices || at == room)
		return ebs_error_set(
			error, "E2BIG",
			"%s has no Ethernet headers, and packet.bpf.h knows at most %zu "
			"such interfaces in one object: load another for it",
			name, indices ? room : 0);
	indices[at] = index;
	return 0;
}
