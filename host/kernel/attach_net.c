// SPDX-License-Identifier: GPL-2.0-only
// Programs on the ways of packets beside XDP: TC, netfilter, network namespaces, sockets.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/attach_private.h"
#include "kernel/clsact.h"
#include "kernel/interface.h"
#include "kernel/link_create.h"
#include "kernel/object.h"
#include "kernel/watched_private.h"

static int find_interface(const char *name, struct ebs_link *link, struct ebs_error *error)
{
	int index = ebs_interface_find(name, error);

	if (index >= 0)
		link->info.ifindex = (unsigned)index;
	return index < 0 ? index : 0;
}

// NULL is ingress.
static int parse_direction(const char *direction, bool *egress, struct ebs_error *error)
{
	*egress = direction && strcmp(direction, "egress") == 0;
	if (direction && !*egress && strcmp(direction, "ingress"))
		return ebs_error_set(error, "EINVAL",
				     "TC has no direction \"%s\": it is ingress or egress",
				     direction);
	return 0;
}

static int attach_direction(struct ebs_program *program, const char *interface, bool egress,
			    struct ebs_link *link, struct ebs_error *error)
{
	int fd = ebs_link_create(&(struct ebs_link_attributes){
		.program = bpf_program__fd(program->handle),
		.target = link->info.ifindex,
		.type = egress ? EBS_ATTACH_TYPE_TCX_EGRESS : EBS_ATTACH_TYPE_TCX_INGRESS });
	if (fd >= 0) {
		link->info.mode = "tcx";
		return ebs_link_add_fd(link, fd);
	}
	int result = fd == -EINVAL || fd == -EOPNOTSUPP
			     ? ebs_clsact_attach(program, link->info.ifindex, egress, link)
			     : fd;
	return result ? ebs_error_errno(error, result, "can't attach to TC %s of %s",
					egress ? "egress" : "ingress", interface)
		      : 0;
}

// To one interface, in one direction or in both.
int ebs_attach_tc(struct ebs_program *program, const struct ebs_attach_options *options,
		  struct ebs_link *link, struct ebs_error *error)
{
	const struct ebs_attach_value *list = &options->values[EBS_ATTACH_DIRECTION];
	const char *interface = options->values[EBS_ATTACH_INTERFACE].text;
	const char *section = ebs_section_target(program);
	const char *const *directions = list->given ? list->items : &section;
	uint32_t count = list->given ? list->count : 1;
	int result = 0;
	bool egress;

	for (uint32_t i = 0; i < count && !result; i++)
		result = parse_direction(directions[i], &egress, error);
	if (!result)
		result = find_interface(interface, link, error);
	if (!result)
		result =
			ebs_attach_note_bare(program->object, interface, link->info.ifindex, error);
	for (uint32_t i = 0; i < count && !result; i++) {
		parse_direction(directions[i], &egress, error);
		result = attach_direction(program, interface, egress, link, error);
	}
	return result;
}

int ebs_attach_netfilter(struct ebs_program *program, const struct ebs_attach_options *options,
			 struct ebs_link *link, struct ebs_error *error)
{
	static const char *const hooks[] = { [NF_INET_PRE_ROUTING] = "prerouting",
					     [NF_INET_LOCAL_IN] = "input",
					     [NF_INET_FORWARD] = "forward",
					     [NF_INET_LOCAL_OUT] = "output",
					     [NF_INET_POST_ROUTING] = "postrouting" };
	const char *family = options->values[EBS_ATTACH_FAMILY].text;
	const char *hook = options->values[EBS_ATTACH_HOOK].text;
	bool ipv6 = family && strcmp(family, "ipv6") == 0;
	uint32_t number = 0;

	while (number < NF_INET_NUMHOOKS && strcmp(hooks[number], hook))
		number++;
	if (number == NF_INET_NUMHOOKS)
		return ebs_error_set(error, "EINVAL",
				     "netfilter has no hook \"%s\": it is prerouting, input, "
				     "forward, output or postrouting",
				     hook);
	if (family && !ipv6 && strcmp(family, "ipv4"))
		return ebs_error_set(error, "EINVAL",
				     "netfilter has no family \"%s\": it is ipv4 or ipv6", family);
	int fd = ebs_link_create(&(struct ebs_link_attributes){
		.program = bpf_program__fd(program->handle),
		.type = EBS_ATTACH_TYPE_NETFILTER,
		.netfilter = { .family = ipv6 ? PF_INET6 : PF_INET,
			       .hook = number,
			       .priority =
				       (int32_t)options->values[EBS_ATTACH_PRIORITY].number } });
	if (fd == -EEXIST || fd == -EBUSY)
		return ebs_error_explain(
			error, fd,
			"netfilter's hook %s has a program of priority %d already: "
			"give this one another",
			hook, (int)options->values[EBS_ATTACH_PRIORITY].number);
	return fd < 0 ? ebs_error_errno(error, fd, "can't attach to netfilter's hook %s", hook)
		      : ebs_link_add_fd(link, fd);
}

int ebs_attach_netns(struct ebs_program *program, const struct ebs_attach_options *options,
		     struct ebs_link *link, struct ebs_error *error)
{
	const char *path = options->values[EBS_ATTACH_NETNS].text;
	if (!path)
		path = "/proc/self/ns/net";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ebs_error_errno(error, errno, "can't open network namespace \"%s\"", path);
	int result = ebs_link_add(link, bpf_program__attach_netns(program->handle, fd));
	close(fd);
	if (!result)
		result = ebs_link_watch_part(link, EBS_PLACE_NAMESPACE, path, link->count - 1);
	if (result == -EEXIST || result == -E2BIG)
		return ebs_error_explain(error, EEXIST,
					 "network namespace %s has such a program already", path);
	return result ? ebs_error_errno(error, result, "can't attach to network namespace %s", path)
		      : 0;
}

static void detach_sockmap(const struct ebs_link_part *part)
{
	bpf_prog_detach2(part->program, part->target, part->type);
}

// The map's sockets run it. It goes with the map, too.
int ebs_attach_sockmap(struct ebs_program *program, const struct ebs_attach_options *options,
		       struct ebs_link *link, struct ebs_error *error)
{
	const char *name = options->values[EBS_ATTACH_MAP].text;
	struct ebs_map *map = ebs_object_map(program->object, name);
	enum bpf_attach_type type = bpf_program__expected_attach_type(program->handle);

	if (!map || (map->type != BPF_MAP_TYPE_SOCKMAP && map->type != BPF_MAP_TYPE_SOCKHASH))
		return ebs_error_set(error, "EINVAL",
				     "the object has no sockmap or sockhash \"%s\"", name);
	if (strncmp(program->section, "sk_msg", 6) == 0)
		type = BPF_SK_MSG_VERDICT;
	else if (type != BPF_SK_SKB_STREAM_PARSER && type != BPF_SK_SKB_STREAM_VERDICT)
		type = BPF_SK_SKB_VERDICT;
	struct ebs_link_part part = { .fd = -1,
				      .detach = detach_sockmap,
				      .program = bpf_program__fd(program->handle),
				      .target = map->fd,
				      .type = type };
	int result = bpf_prog_attach(part.program, part.target, type, 0);
	if (result == -EBUSY)
		return ebs_error_explain(error, result,
					 "map \"%s\" has a program that excludes this one", name);
	if (result)
		return ebs_error_errno(error, result, "can't attach to map \"%s\"", name);
	return ebs_link_add_part(link, part);
}

// A packet socket that nobody reads: the program sees each packet of the interface, or of all.
int ebs_attach_socket(struct ebs_program *program, const struct ebs_attach_options *options,
		      struct ebs_link *link, struct ebs_error *error)
{
	const char *interface = options->values[EBS_ATTACH_INTERFACE].text;
	int program_fd = bpf_program__fd(program->handle);
	int result = interface ? find_interface(interface, link, error) : 0;
	if (result)
		return result;
	// Bound only once the program is there, so that nothing gets in before.
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = (int)link->info.ifindex };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ebs_error_errno(error, errno, "can't open a packet socket");
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program_fd, sizeof(program_fd)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		result = ebs_error_errno(error, errno, "can't attach a socket filter to %s",
					 interface ? interface : "all interfaces");
	if (result) {
		close(fd);
		return result;
	}
	return ebs_link_add_fd(link, fd);
}
