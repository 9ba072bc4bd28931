// SPDX-License-Identifier: GPL-2.0-only
// The helper's own process: does what it is asked, and at the end what it was told before.
#include "helper/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/capabilities.h"
#include "base/file.h"
#include "base/landlock.h"
#include "base/output_file.h"
#include "helper/message.h"

#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40 // Linux 5.9
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 // Linux 5.3, the same on all architectures
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

// What it may be needed for.
enum need {
	FOR_ACTS,
	FOR_MAPPED,
	FOR_OUTPUTS,
	FOR_COMMAND,
	NEEDS,
};

struct act {
	unsigned index;
	int number;
	uint32_t value;
	int fd;
};

struct helper {
	int socket;
	int ended;
	bool needs[NEEDS];
	bool sealed;
	struct act *acts;
	size_t act_count;
	ebs_helper_act *const *known;
	unsigned known_count;
	struct ebs_output_file *outputs; // name NULL: it is done
	size_t output_count;
	pid_t command;  // 0 once it has ended
	int command_fd; // its pidfd, or -1
	int command_go; // -1 once it was started
};

static uint64_t capabilities_for(enum need need)
{
	switch (need) {
	case FOR_ACTS:
		return EBS_CAPABILITY(CAP_NET_ADMIN) | EBS_CAPABILITY(CAP_BPF);
	case FOR_MAPPED:
		return EBS_CAPABILITY(CAP_SYS_PTRACE) | EBS_CAPABILITY(CAP_DAC_READ_SEARCH) |
		       EBS_CAPABILITY(ebs_capability_exists(CAP_CHECKPOINT_RESTORE)
					      ? CAP_CHECKPOINT_RESTORE
					      : CAP_SYS_ADMIN);
	case FOR_OUTPUTS: // the folder may be another user's
		return EBS_CAPABILITY(CAP_DAC_OVERRIDE) | EBS_CAPABILITY(CAP_FOWNER);
	case FOR_COMMAND: // it may be another user's by now
		return EBS_CAPABILITY(CAP_KILL);
	default:
		return 0;
	}
}

// Leaves the capabilities of all needs, or of those that there are.
static int reduce(const struct helper *helper, bool all)
{
	uint64_t kept = 0;

	for (enum need need = 0; need < NEEDS; need++)
		if (all || helper->needs[need])
			kept |= capabilities_for(need);
	return ebs_capabilities_drop(kept);
}

// Whoever ends the script by a signal to the whole terminal or service leaves this process alone.
static void settle(struct helper *helper, const struct ebs_helper_start *start)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	int kept[] = { start->socket, start->ended, start->command_go, helper->command_fd };
	int *places[] = { &helper->socket, &helper->ended, &helper->command_go,
			  &helper->command_fd };
	const int count = sizeof(kept) / sizeof(kept[0]);
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	for (int i = 0; i < count; i++) // out of the way of their places to come
		kept[i] = kept[i] < 0 ? -1 : fcntl(kept[i], F_DUPFD_CLOEXEC, 3 + count);
	for (int i = 0; i < count; i++) {
		*places[i] = kept[i] < 0 ? -1 : dup3(kept[i], 3 + i, O_CLOEXEC);
		if (kept[i] < 0)
			close(3 + i); // the host's end of the connection, perhaps
	}
	ebs_close_from(3 + count); // the script's pipes must see their end when the script ends
	if (chdir("/"))
		_exit(1);
	prctl(PR_SET_NAME, "ebscript-help");
	prctl(PR_SET_DUMPABLE, 0);
}

static void close_both(const int fds[EBS_HELPER_FDS])
{
	for (int i = 0; i < EBS_HELPER_FDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

// The tasks: each returns 0, a number, or -errno, and takes over the descriptors that it sets to
// -1.

static int add_act(struct helper *helper, const struct ebs_helper_request *request, int *fds)
{
	struct act *acts;

	if (request->number < INT32_MIN || request->number > INT32_MAX ||
	    request->first >= helper->known_count || request->second > UINT32_MAX)
		return -EINVAL;
	acts = reallocarray(helper->acts, helper->act_count + 1, sizeof(*acts));
	if (!acts)
		return -ENOMEM;
	helper->acts = acts;
	acts[helper->act_count++] = (struct act){ .index = (unsigned)request->first,
						  .number = (int)request->number,
						  .value = (uint32_t)request->second,
						  .fd = fds[0] };
	fds[0] = -1;
	helper->needs[FOR_ACTS] = true;
	return 0;
}

static bool is_name(const char name[EBS_HELPER_NAME])
{
	return memchr(name, '\0', EBS_HELPER_NAME) && *name && !strchr(name, '/');
}

static int keep_output(struct helper *helper, const struct ebs_helper_request *request, int *fds)
{
	struct ebs_output_file *outputs;
	struct ebs_output_file file = { .folder = fds[0], .fd = fds[1] };

	if (fds[1] < 0 || !is_name(request->names[0]) || !is_name(request->names[1]))
		return -EINVAL;
	outputs = reallocarray(helper->outputs, helper->output_count + 1, sizeof(*outputs));
	if (!outputs)
		return -ENOMEM;
	helper->outputs = outputs;
	file.unfinished = strdup(request->names[0]);
	file.name = strdup(request->names[1]);
	if (!file.unfinished || !file.name) {
		free(file.unfinished);
		free(file.name);
		return -ENOMEM;
	}
	fds[0] = fds[1] = -1;
	outputs[helper->output_count] = file;
	helper->needs[FOR_OUTPUTS] = true;
	return (int)helper->output_count++;
}

static int end_output(struct helper *helper, const struct ebs_helper_request *request)
{
	if (request->number < 0 || (uint64_t)request->number >= helper->output_count)
		return -EBADF;
	struct ebs_output_file *file = &helper->outputs[request->number];
	if (!file->name)
		return -EBADF;
	if (request->verb == EBS_HELPER_FINISH_OUTPUT)
		return ebs_output_file_finish(file);
	ebs_output_file_discard(file);
	return 0;
}

static int start_command(struct helper *helper)
{
	if (helper->command_go < 0)
		return helper->command ? -EALREADY : -ESRCH;
	int result = ebs_command_start(helper->command_go);
	close(helper->command_go);
	helper->command_go = -1;
	return result;
}

static int signal_command(const struct helper *helper, int64_t number)
{
	if (number != SIGINT && number != SIGTERM && number != SIGHUP && number != SIGKILL)
		return -EINVAL;
	if (helper->command_fd < 0)
		return -ESRCH;
	return syscall(SYS_pidfd_send_signal, helper->command_fd, (int)number, NULL, 0) ? -errno
											: 0;
}

// After this only what was told before is done.
static int seal(struct helper *helper)
{
	helper->sealed = true;
	int result = reduce(helper, false);
	// With Landlock it could look into no process that is not under the same rules.
	if (!result && !helper->needs[FOR_OUTPUTS] && !helper->needs[FOR_MAPPED])
		ebs_landlock_forbid_writing(false);
	return result;
}

static int open_mapped(const struct helper *helper, const struct ebs_helper_request *request,
		       int *opened)
{
	if (!helper->needs[FOR_MAPPED] || request->number > INT32_MAX)
		return helper->needs[FOR_MAPPED] ? -ESRCH : -EPERM;
	*opened = ebs_mapped_open((pid_t)request->number, request->first, request->second);
	return *opened < 0 ? *opened : 0;
}

static int carry_out(struct helper *helper, const struct ebs_helper_request *request, int *fds,
		     int *opened)
{
	if (helper->sealed && request->verb <= EBS_HELPER_SEAL)
		return -EPERM;
	switch (request->verb) {
	case EBS_HELPER_AT_END:
		return add_act(helper, request, fds);
	case EBS_HELPER_NEED_MAPPED:
		helper->needs[FOR_MAPPED] = true;
		return 0;
	case EBS_HELPER_KEEP_OUTPUT:
		return keep_output(helper, request, fds);
	case EBS_HELPER_SEAL:
		return seal(helper);
	case EBS_HELPER_COMMAND_START:
		return start_command(helper);
	case EBS_HELPER_COMMAND_SIGNAL:
		return signal_command(helper, request->number);
	case EBS_HELPER_OPEN_MAPPED:
		return open_mapped(helper, request, opened);
	case EBS_HELPER_FINISH_OUTPUT:
	case EBS_HELPER_DISCARD_OUTPUT:
		return end_output(helper, request);
	default:
		return -EINVAL;
	}
}

// False at the end of the connection. Whoever takes no replies gets none.
static bool answer(struct helper *helper)
{
	struct ebs_helper_request request;
	struct ebs_helper_reply reply;
	int fds[EBS_HELPER_FDS];
	int sent[EBS_HELPER_FDS] = { -1, -1 };
	ssize_t size = ebs_message_receive(helper->socket, &request, sizeof(request), fds);

	if (size <= 0)
		return false;
	reply.serial = size == sizeof(request) ? request.serial : 0;
	reply.result =
		size == sizeof(request) ? carry_out(helper, &request, fds, &sent[0]) : -EINVAL;
	close_both(fds);
	ebs_message_send(helper->socket, &reply, sizeof(reply), sent, MSG_DONTWAIT);
	close_both(sent);
	return true;
}

static void reap(struct helper *helper)
{
	int status;

	if (waitpid(helper->command, &status, 0) == helper->command)
		ebs_message_send(helper->ended, &status, sizeof(status), NULL, MSG_DONTWAIT);
	close(helper->command_fd);
	helper->command_fd = -1;
	helper->command = 0;
}

// What is left to do when the host has ended.
static void finish(struct helper *helper)
{
	if (helper->command_fd >= 0 && helper->command_go < 0)
		signal_command(helper, SIGTERM);
	for (size_t i = 0; i < helper->output_count; i++)
		if (helper->outputs[i].name)
			ebs_output_file_discard(&helper->outputs[i]);
	for (size_t i = 0; i < helper->act_count; i++) {
		const struct act *act = &helper->acts[i];

		helper->known[act->index](act->number, act->value, act->fd);
	}
}

_Noreturn void ebs_helper_live(const struct ebs_helper_start *start)
{
	struct helper helper = { .known = start->acts,
				 .known_count = start->act_count,
				 .command = start->command,
				 .command_fd = -1,
				 .needs[FOR_COMMAND] = start->command > 0 };
	bool connected = true;

	if (start->command > 0)
		helper.command_fd = (int)syscall(SYS_pidfd_open, start->command, 0);
	settle(&helper, start);
	reduce(&helper, true);
	while (connected) {
		struct pollfd wait[] = {
			{ .fd = helper.socket, .events = POLLIN },
			{ .fd = helper.command_fd, .events = POLLIN }, // -1: it isn't looked at
		};

		if (poll(wait, 2, -1) < 0)
			continue;
		if (wait[1].revents)
			reap(&helper);
		if (wait[0].revents)
			connected = answer(&helper);
	}
	finish(&helper);
	_exit(0);
}
