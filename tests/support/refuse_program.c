// SPDX-License-Identifier: GPL-2.0-only
// Runs a program on a kernel that says no to some kinds of programs, as lockdown, an older kernel
// or one that is built without them does.
//
//	refuse_program [-l] SECTION[,SECTION...] ERRNO PROGRAM ARGUMENTS...
//
// SECTION is "iter/task", or "fentry" for all targets; ERRNO a number. With -l the verifier has
// begun: its log has the last line alone. A process beside the program answers its calls of bpf(2),
// as the attributes are behind a pointer, which no filter of seccomp follows.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf_kind.h"

#define KINDS_MOST 16

static struct bpf_kind kinds[KINDS_MOST];
static size_t kind_count;
static int option; // 'l', 'o' or 0

static int read_kinds(char *list)
{
	char *section;

	while ((section = strsep(&list, ","))) {
		int result = kind_count < KINDS_MOST ? bpf_kind_find(section, &kinds[kind_count])
						     : -E2BIG;

		if (result == -ENOENT)
			continue; // this kernel has it not at all
		if (result) {
			fprintf(stderr, "refuse_program: %s: %s\n", section, strerror(-result));
			return 1;
		}
		kind_count++;
	}
	return 0;
}

static bool is_refused(const union bpf_attr *attr)
{
	if (option == 'o' && attr->insn_cnt <= 2)
		return false;
	for (size_t i = 0; i < kind_count; i++)
		if (attr->prog_type == kinds[i].type &&
		    attr->expected_attach_type == kinds[i].attach_type &&
		    (!kinds[i].btf_id || attr->attach_btf_id == kinds[i].btf_id))
			return true;
	return false;
}

static void write_log(int memory, const union bpf_attr *attr)
{
	static const char end[] = "processed 0 insns (limit 1000000) max_states_per_insn 0 "
				  "total_states 0 peak_states 0 mark_read 0\n";

	if (attr->log_level && attr->log_size >= sizeof(end) &&
	    pwrite(memory, end, sizeof(end), (off_t)attr->log_buf) < 0)
		perror("refuse_program: log");
}

// The answer to one call: true if it is refused.
static bool judge(const struct seccomp_notif *call)
{
	union bpf_attr attr = { 0 };
	size_t size = call->data.args[2] < sizeof(attr) ? call->data.args[2] : sizeof(attr);
	char path[32];
	bool refused = false;

	snprintf(path, sizeof(path), "/proc/%u/mem", call->pid);
	int memory = open(path, O_RDWR | O_CLOEXEC);
	if (memory >= 0 && pread(memory, &attr, size, (off_t)call->data.args[1]) == (ssize_t)size)
		refused = is_refused(&attr);
	if (refused && option == 'l')
		write_log(memory, &attr);
	if (memory >= 0)
		close(memory);
	return refused;
}

// Until no process has the filter any more.
static void answer(int listener, int number)
{
	struct pollfd ready = { .fd = listener, .events = POLLIN };

	while (poll(&ready, 1, -1) >= 0 || errno == EINTR) {
		struct seccomp_notif call = { 0 };

		if (ready.revents & POLLHUP)
			return;
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
			continue;
		bool refused = judge(&call);
		struct seccomp_notif_resp reply = {
			.id = call.id,
			.error = refused ? -number : 0,
			.flags = refused ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE,
		};
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
	}
}

static int set_filter(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 3),
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
#else
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 4),
#endif
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BPF_PROG_LOAD, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]), .filter = filter };

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

static int send_descriptor(int socket, int fd)
{
	char byte = 0, room[CMSG_SPACE(sizeof(fd))] = "";
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = room,
				  .msg_controllen = sizeof(room) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
}

static int receive_descriptor(int socket)
{
	char byte, room[CMSG_SPACE(sizeof(int))] = "";
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = room,
				  .msg_controllen = sizeof(room) };
	int fd = -1;

	if (recvmsg(socket, &message, 0) == 1 && CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

int main(int argc, char **argv)
{
	int sockets[2];

	if (argc > 1 && argv[1][0] == '-') {
		option = argv[1][1];
		argv++;
		argc--;
	}
	if (argc < 4 || (option && option != 'l' && option != 'o')) {
		fprintf(stderr, "usage: refuse_program [-l|-o] SECTION,... ERRNO PROGRAM "
				"ARGUMENTS...\n");
		return 2;
	}
	if (read_kinds(argv[1]))
		return 2;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets)) {
		perror("refuse_program");
		return 1;
	}
	if (fork() == 0) {
		for (int fd = 0; fd < 2; fd++) // nobody waits for what it has open
			close(fd);
		setsid();
		close(sockets[1]);
		int listener = receive_descriptor(sockets[0]);
		close(sockets[0]);
		if (listener >= 0)
			answer(listener, atoi(argv[2]));
		return 0;
	}
	close(sockets[0]);
	int listener = set_filter();
	if (listener < 0 || send_descriptor(sockets[1], listener)) {
		perror("refuse_program: seccomp");
		return 1;
	}
	close(listener);
	close(sockets[1]);
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 1;
}
