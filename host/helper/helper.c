// SPDX-License-Identifier: GPL-2.0-only
// The host's side of the helper: forks it, asks, waits for the reply.
#include "helper/helper.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/output_file.h"
#include "helper/message.h"
#include "helper/process.h"

#define PATIENCE 5 // seconds for a reply: a file may lie on a server that is gone

static ebs_helper_act *const *known_acts;
static unsigned known_count;
static int connection = -1;
static int ended = -1; // where the command's status comes
static pid_t command;
static bool is_sealed;

void ebs_helper_init(ebs_helper_act *const *acts, unsigned count)
{
	known_acts = acts;
	known_count = count;
}

static void close_pair(const int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

// In the new process. The command is forked first, with the rights that the host has.
_Noreturn static void live(int socket, int status_end, char *const *arguments)
{
	struct ebs_helper_start start = { .socket = socket,
					  .ended = status_end,
					  .command_go = -1,
					  .acts = known_acts,
					  .act_count = known_count };
	struct ebs_helper_reply reply = { 0 };

	if (arguments)
		start.command = ebs_command_prepare(arguments, &start.command_go);
	reply.result = start.command;
	ebs_message_send(socket, &reply, sizeof(reply), NULL, 0);
	if (start.command < 0)
		_exit(1);
	ebs_helper_live(&start);
}

static int receive_reply(uint32_t serial, int *fd)
{
	struct ebs_helper_reply reply;
	int fds[EBS_HELPER_FDS];
	ssize_t size;

	do {
		size = ebs_message_receive(connection, &reply, sizeof(reply), fds);
		if (size <= 0)
			return size ? (int)size : -EPIPE;
		if (fds[1] >= 0)
			close(fds[1]);
		if (fds[0] >= 0 && (!fd || reply.serial != serial))
			close(fds[0]);
	} while (size != sizeof(reply) || reply.serial != serial); // one that came too late
	if (fd)
		*fd = fds[0];
	return reply.result;
}

static int start(char *const *arguments)
{
	struct timeval patience = { .tv_sec = PATIENCE };
	int requests[2];
	int status[2];

	if (is_sealed)
		return -EPERM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, requests))
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, status)) {
		int number = errno;
		close_pair(requests);
		return -number;
	}
	pid_t pid = fork();
	int number = errno;
	if (pid == 0)
		live(requests[1], status[1], arguments);
	close(requests[1]);
	close(status[1]);
	if (pid < 0) {
		close(requests[0]);
		close(status[0]);
		return -number;
	}
	connection = requests[0];
	ended = status[0];
	setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	int result = receive_reply(0, NULL);
	if (result >= 0) {
		command = result;
		return 0;
	}
	close(connection);
	close(ended);
	connection = ended = -1;
	return result;
}

// `fd`: where a descriptor of the reply goes, or NULL.
static int ask(struct ebs_helper_request *request, const int fds[EBS_HELPER_FDS], int *fd)
{
	static uint32_t serial;
	int result = 0;

	if (connection < 0)
		result = start(NULL);
	if (result)
		return result;
	if (!++serial)
		serial = 1; // 0 answers what can't be read
	request->serial = serial;
	result = ebs_message_send(connection, request, sizeof(*request), fds, 0);
	if (result)
		return result;
	result = receive_reply(serial, fd);
	return result == -EAGAIN ? -ETIMEDOUT : result;
}

static int ask_number(enum ebs_helper_verb verb, int64_t number)
{
	return ask(&(struct ebs_helper_request){ .verb = verb, .number = number }, NULL, NULL);
}

int ebs_helper_at_end(unsigned act, int number, uint32_t value, int fd)
{
	const int fds[EBS_HELPER_FDS] = { fd, -1 };

	return ask(&(struct ebs_helper_request){ .verb = EBS_HELPER_AT_END,
						 .number = number,
						 .first = act,
						 .second = value },
		   fds, NULL);
}

int ebs_helper_command(char *const *arguments)
{
	return connection >= 0 ? -EALREADY : start(arguments);
}

int ebs_helper_command_start(void)
{
	return command ? ask_number(EBS_HELPER_COMMAND_START, 0) : -ESRCH;
}

int ebs_helper_command_signal(int number)
{
	return command ? ask_number(EBS_HELPER_COMMAND_SIGNAL, number) : -ESRCH;
}

pid_t ebs_helper_command_pid(void)
{
	return command;
}

int ebs_helper_command_fd(void)
{
	return command ? ended : -1;
}

int ebs_helper_command_status(int *status)
{
	ssize_t size = command ? recv(ended, status, sizeof(*status), 0) : -1;

	if (!command)
		return -ESRCH;
	if (size < 0)
		return -errno;
	return size == sizeof(*status) ? 0 : -EPIPE;
}

int ebs_helper_need_mapped(void)
{
	return ask_number(EBS_HELPER_NEED_MAPPED, 0);
}

int ebs_helper_open_mapped(pid_t pid, uint64_t first, uint64_t end)
{
	int fd = -1;
	int result = ask(&(struct ebs_helper_request){ .verb = EBS_HELPER_OPEN_MAPPED,
						       .number = pid,
						       .first = first,
						       .second = end },
			 NULL, &fd);

	if (result < 0 && fd >= 0)
		close(fd);
	return result < 0 ? result : fd >= 0 ? fd : -EMFILE; // there was no room for it here
}

int ebs_helper_keep_output(const struct ebs_output_file *file)
{
	struct ebs_helper_request request = { .verb = EBS_HELPER_KEEP_OUTPUT };
	const int fds[EBS_HELPER_FDS] = { file->folder, file->fd };

	if (!file->name || strlen(file->name) >= EBS_HELPER_NAME ||
	    strlen(file->unfinished) >= EBS_HELPER_NAME)
		return -EINVAL;
	strcpy(request.names[0], file->unfinished);
	strcpy(request.names[1], file->name);
	return ask(&request, fds, NULL);
}

int ebs_helper_finish_output(int number)
{
	return ask_number(EBS_HELPER_FINISH_OUTPUT, number);
}

int ebs_helper_discard_output(int number)
{
	return ask_number(EBS_HELPER_DISCARD_OUTPUT, number);
}

int ebs_helper_seal(void)
{
	bool again = is_sealed;

	is_sealed = true;
	if (again || connection < 0)
		return 0;
	int result = ask_number(EBS_HELPER_SEAL, 0);
	return result == -EPIPE ? 0 : result; // it is gone, and so are its rights
}
