// SPDX-License-Identifier: GPL-2.0-only
// A child process that waits for the end of a connection to this one. It keeps nothing else open,
// and no capability but the one that it needs.
#include "kernel/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/capabilities.h"
#include "kernel/clsact.h"

struct order {
	int ifindex;
	uint32_t handle;
};

// The script's pipes and buffers must see their end when the script ends.
static void close_all_but(int kept)
{
	struct rlimit limit = { .rlim_cur = 1024 };

	dup2(kept, 3);
	if (!syscall(SYS_close_range, 4u, ~0u, 0u))
		return;
	getrlimit(RLIMIT_NOFILE, &limit); // before Linux 5.9
	for (rlim_t fd = 4; fd < limit.rlim_cur; fd++)
		close((int)fd);
}

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
	close_all_but(connection);
	if (chdir("/"))
		_exit(1);
	prctl(PR_SET_NAME, "ebscript-watch");
	ebs_capabilities_drop(EBS_CAPABILITY(CAP_NET_ADMIN));
}

__attribute__((noreturn)) static void watch(int connection)
{
	struct order *orders = NULL, order;
	size_t count = 0;

	settle(connection);
	while (recv(3, &order, sizeof(order), 0) == sizeof(order)) {
		struct order *more = reallocarray(orders, count + 1, sizeof(*orders));

		if (!more)
			continue;
		orders = more;
		orders[count++] = order;
	}
	for (size_t i = 0; i < count; i++)
		ebs_clsact_remove(orders[i].ifindex, orders[i].handle);
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

int ebs_watcher_tell(int ifindex, uint32_t handle)
{
	static int connection = -1;
	struct order order = { .ifindex = ifindex, .handle = handle };

	if (connection < 0)
		connection = start();
	if (connection < 0)
		return connection;
	// Without a watcher, as somebody has killed it, filters are as safe as before.
	send(connection, &order, sizeof(order), MSG_NOSIGNAL);
	return 0;
}
