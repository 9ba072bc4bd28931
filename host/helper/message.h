// SPDX-License-Identifier: GPL-2.0-only
// What the host and its helper send each other.
#ifndef EBS_HELPER_MESSAGE_H
#define EBS_HELPER_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum ebs_helper_verb {
	// Before the drop only.
	EBS_HELPER_AT_END = 1,
	EBS_HELPER_NEED_MAPPED,
	EBS_HELPER_KEEP_OUTPUT, // with the folder and the file
	EBS_HELPER_SEAL,
	// Always.
	EBS_HELPER_COMMAND_START,
	EBS_HELPER_COMMAND_SIGNAL,
	EBS_HELPER_OPEN_MAPPED,
	EBS_HELPER_FINISH_OUTPUT,
	EBS_HELPER_DISCARD_OUTPUT,
};

#define EBS_HELPER_NAME 256 // NAME_MAX and a NUL
#define EBS_HELPER_FDS  2   // in a message, at most

struct ebs_helper_request {
	uint32_t verb;
	uint32_t serial; // comes back with the reply
	int64_t number;
	uint64_t first;
	uint64_t second;
	char names[2][EBS_HELPER_NAME];
};

struct ebs_helper_reply {
	uint32_t serial;
	int32_t result; // 0, a number, or -errno; a descriptor may come along
};

// `fds`: -1 where there is none. Returns 0 or -errno; never a signal.
int ebs_message_send(int socket, const void *data, size_t size, const int fds[EBS_HELPER_FDS],
		     int flags);

// Returns the bytes of the next message, 0 at the end, or -errno. The descriptors are the caller's,
// -1 where none came.
ssize_t ebs_message_receive(int socket, void *data, size_t size, int fds[EBS_HELPER_FDS]);

#endif
