// SPDX-License-Identifier: GPL-2.0-only
// What the host and its helper send each other.
#include "helper/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(EBS_HELPER_FDS * sizeof(int))];
};

int ebs_message_send(int socket, const void *data, size_t size, const int fds[EBS_HELPER_FDS],
		     int flags)
{
	struct iovec content = { (void *)data, size };
	union control control = { 0 };
	struct msghdr message = { .msg_iov = &content, .msg_iovlen = 1 };
	size_t count = 0;
	ssize_t sent;

	while (fds && count < EBS_HELPER_FDS && fds[count] >= 0)
		count++;
	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	do
		sent = sendmsg(socket, &message, flags | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

// The sender may be an intruder: as many descriptors as fit may have come.
static void take_fds(struct msghdr *message, int fds[EBS_HELPER_FDS])
{
	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control;
	     control = CMSG_NXTHDR(message, control)) {
		size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof(fd));
			if (i < EBS_HELPER_FDS && fds[i] < 0)
				fds[i] = fd;
			else
				close(fd);
		}
	}
}

ssize_t ebs_message_receive(int socket, void *data, size_t size, int fds[EBS_HELPER_FDS])
{
	struct iovec content = { data, size };
	union control control = { 0 };
	struct msghdr message = { .msg_iov = &content,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t got;

	for (int i = 0; i < EBS_HELPER_FDS; i++)
		fds[i] = -1;
	do
		got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	take_fds(&message, fds);
	return got;
}
