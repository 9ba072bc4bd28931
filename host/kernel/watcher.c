// SPDX-License-Identifier: GPL-2.0-only
// A child process that waits for the end of a connection to this one. It keeps nothing open but
// that and what is handed to it, and no capabilities but those that it needs.
#include "kernel/watcher.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/capabilities.h"
#include "base/file.h"
#include "kernel/clsact.h"

struct order {
	int ifindex; // 0: it is about a map
	uint32_t handle;
	int map; // the receiver's descriptor
};

// Whoever ends the script by a signal to the whole terminal or service leaves this process alone.
static void settle(int connection)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	int null = open("/dev/null", O_RDWR);

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	setsid();
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	dup2(connection, 3);
	ebs_close_from(4); // the script's pipes and buffers must see their end when the script ends
	if (chdir("/"))
		_exit(1);
	prctl(PR_SET_NAME, "ebscript-watch");
	ebs_capabilities_drop(EBS_CAPABILITY(CAP_NET_ADMIN) | EBS_CAPABILITY(CAP_BPF));
}

// What carries a message with a descriptor.
struct envelope {
	struct iovec content;
	struct msghdr header;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} descriptor;
};

static void prepare(struct envelope *envelope, struct order *order)
{
	*envelope = (struct envelope){ .content = { order, sizeof(*order) } };
	envelope->header = (struct msghdr){ .msg_iov = &envelope->content,
					    .msg_iovlen = 1,
					    .msg_control = &envelope->descriptor,
					    .msg_controllen = sizeof(envelope->descriptor) };
}

// False at the end of the connection.
static bool receive(struct order *order)
{
	struct envelope envelope;

	prepare(&envelope, order);
	if (recvmsg(3, &envelope.header, MSG_CMSG_CLOEXEC) != sizeof(*order))
		return false;
	struct cmsghdr *control = CMSG_FIRSTHDR(&envelope.header);
	order->map = -1;
	if (control && control->cmsg_type == SCM_RIGHTS)
		memcpy(&order->map, CMSG_DATA(control), sizeof(order->map));
	return true;
}

static void carry_out(const struct order *order)
{
	if (order->ifindex)
		ebs_clsact_remove(order->ifindex, order->handle);
	else
		bpf_map_delete_elem(order->map, &(uint32_t){ 0 });
}

__attribute__((noreturn)) static void watch(int connection)
{
	struct order *orders = NULL, order;
	size_t count = 0;

	settle(connection);
	while (receive(&order)) {
		struct order *more = reallocarray(orders, count + 1, sizeof(*orders));

		if (!more)
			continue;
		orders = more;
		orders[count++] = order;
	}
	for (size_t i = 0; i < count; i++)
		carry_out(&orders[i]);
	_exit(0);
}

// Returns the connection, or -errno.
static int start(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	pid_t pid = fork();
	if (pid == 0)
		watch(ends[1]);
	int number = errno;
	close(ends[1]);
	if (pid > 0)
		return ends[0];
	close(ends[0]);
	return -number;
}

static int tell(struct order *order)
{
	static int connection = -1;
	struct envelope envelope;

	if (connection < 0)
		connection = start();
	if (connection < 0)
		return connection;
	prepare(&envelope, order);
	if (order->ifindex) {
		envelope.header.msg_controllen = 0;
	} else {
		struct cmsghdr *control = CMSG_FIRSTHDR(&envelope.header);

		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(sizeof(order->map));
		memcpy(CMSG_DATA(control), &order->map, sizeof(order->map));
	}
	// Without a watcher, as somebody has killed it, things are as safe as before.
	sendmsg(connection, &envelope.header, MSG_NOSIGNAL);
	return 0;
}

int ebs_watcher_remove_filters(int ifindex, uint32_t handle)
{
	return tell(&(struct order){ .ifindex = ifindex, .handle = handle });
}

int ebs_watcher_unregister(int map)
{
	return tell(&(struct order){ .map = map });
}
