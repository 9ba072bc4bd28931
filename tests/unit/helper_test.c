// SPDX-License-Identifier: GPL-2.0-only
// host/helper: what it does for a host that has given its rights up, and what it doesn't do for an
// intruder into that. Each case is a host in a process of its own.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/capabilities.h"
#include "base/output_file.h"
#include "helper/helper.h"
#include "helper/message.h"

#define USER 61234
#define ALL  ((1ULL << 41) - 1)

static char folder[] = "/tmp/ebs-helper-XXXXXX";
static int failures;
static int out[2]; // what acts and commands write

#define WANT(value) want((value), #value, __LINE__)

static void want(bool value, const char *what, int line)
{
	if (value)
		return;
	dprintf(STDERR_FILENO, "# line %d: %s (%s)\n", line, what, strerror(errno));
	failures++;
}

static void write_down(int number, uint32_t value, int fd)
{
	dprintf(fd, "%d %u;", number, value);
}

static ebs_helper_act *const acts[] = { write_down };

static void be_somebody_else(void)
{
	WANT(!setresgid(USER, USER, USER) && !setresuid(USER, USER, USER));
	WANT(ebs_helper_seal() == 0);
	WANT(ebs_capabilities_drop(0) == 0);
}

// Runs a host, and gives what it, its commands and its helper wrote before all of them ended.
static const char *run(void (*host)(void))
{
	static char text[512];
	size_t size = 0;
	ssize_t got;
	int status;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(out[0]);
		ebs_helper_init(acts, 1);
		host();
		_exit(failures ? 1 : 0);
	}
	close(out[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	while ((got = read(out[0], text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)got;
	close(out[0]);
	text[size] = '\0';
	assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
	return text;
}

static void needs_root(void)
{
	if (geteuid() == 0 && ebs_capability_have(CAP_SYS_PTRACE))
		return;
	printf("# skip: needs root\n");
	skip();
}

static int make_folder(void **state)
{
	umask(022);
	return mkdtemp(folder) && !chmod(folder, 0755) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	return remove(path);
}

static int remove_folder(void **state)
{
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int count_children(void)
{
	char path[64];
	char line[64] = "";

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	FILE *file = fopen(path, "r");
	if (file && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file)
		fclose(file);
	int count = 0;
	for (char *space = line; (space = strchr(space, ' ')); space++)
		count++;
	return count;
}

// --- when there is one

static void ask_nothing(void)
{
	WANT(ebs_helper_seal() == 0);
	WANT(count_children() == 0);
	WANT(ebs_helper_at_end(0, 1, 2, out[1]) == -EPERM);
	WANT(ebs_helper_need_mapped() == -EPERM);
	WANT(ebs_helper_command((char *[]){ "true", NULL }) == -EPERM);
	WANT(ebs_helper_command_start() == -ESRCH);
	WANT(ebs_helper_command_fd() == -1 && ebs_helper_command_pid() == 0);
	WANT(count_children() == 0);
}

static void test_none(void **state)
{
	assert_string_equal(run(ask_nothing), "");
}

static void act_and_die(void)
{
	WANT(ebs_helper_at_end(0, 1, 2, out[1]) == 0);
	WANT(ebs_helper_at_end(0, -3, UINT32_MAX, out[1]) == 0);
	WANT(ebs_helper_at_end(1, 0, 0, -1) == -EINVAL); // no such act
	WANT(count_children() == 1);
	kill(getpid(), SIGKILL);
}

static void act_and_drop(void)
{
	WANT(ebs_helper_at_end(0, 5, 6, out[1]) == 0);
	be_somebody_else();
	WANT(ebs_helper_at_end(0, 7, 8, out[1]) == -EPERM);
}

static void test_acts(void **state)
{
	assert_string_equal(run(act_and_die), "1 2;-3 4294967295;");
	needs_root();
	assert_string_equal(run(act_and_drop), "5 6;");
}

// Thousands, and one that is gone.
static void act_often(void)
{
	for (int i = 0; i < 3000; i++)
		WANT(ebs_helper_at_end(0, i, 0, -1) == 0);
}

static void lose_it(void)
{
	char path[64];
	char line[32] = "";

	WANT(ebs_helper_at_end(0, 1, 2, out[1]) == 0);
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	FILE *file = fopen(path, "r");
	WANT(file && fgets(line, sizeof(line), file));
	fclose(file);
	pid_t helper = atoi(line);
	WANT(helper > 1 && !kill(helper, SIGKILL) && waitpid(helper, NULL, 0) == helper);
	WANT(ebs_helper_at_end(0, 3, 4, out[1]) == -EPIPE);
	WANT(ebs_helper_seal() == 0);
}

static void test_many_and_gone(void **state)
{
	run(act_often);
	assert_string_equal(run(lose_it), "");
}

// --- mapped files

struct range {
	uint64_t first;
	uint64_t end;
};

// The first mapping of a process with these permissions, of a file or of none.
static struct range find(pid_t pid, const char *permissions, bool of_file)
{
	char path[64];
	char line[512];
	struct range range = { 0 };

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		unsigned long long first, end, inode;
		char found[8];

		if (sscanf(line, "%llx-%llx %7s %*x %*s %llu", &first, &end, found, &inode) == 4 &&
		    !strcmp(found, permissions) && !!inode == of_file) {
			range = (struct range){ first, end };
			break;
		}
	}
	if (file)
		fclose(file);
	return range;
}

static int open_range(pid_t pid, struct range range)
{
	return ebs_helper_open_mapped(pid, range.first, range.end);
}

static void open_code(void)
{
	struct stat program, mapped;
	struct range data;
	pid_t parent = getppid(); // the same program, and still root's
	struct range code = find(parent, "r-xp", true);

	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	data = find(getpid(), "r--p", true);
	struct range nothing = find(getpid(), "r-xp", false);
	WANT(code.end && data.end && nothing.end);
	WANT(stat("/proc/self/exe", &program) == 0);
	WANT(ebs_helper_need_mapped() == 0);
	be_somebody_else();

	char path[96];
	snprintf(path, sizeof(path), "/proc/%d/exe", parent);
	WANT(open(path, O_RDONLY) < 0 && errno == EACCES);
	int fd = open_range(parent, code);
	WANT(fd >= 0 && !fstat(fd, &mapped));
	WANT(mapped.st_dev == program.st_dev && mapped.st_ino == program.st_ino);
	WANT((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
	WANT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	WANT(write(fd, "x", 1) < 0);
	close(fd);
	WANT(open_range(getpid(), data) == -EACCES);
	WANT(open_range(getpid(), nothing) == -EACCES);
	WANT(ebs_helper_open_mapped(parent, code.first, code.end + 4096) == -ENOENT);
	WANT(ebs_helper_open_mapped(parent, code.first + 4096, code.end) == -ENOENT);
	WANT(ebs_helper_open_mapped(parent, 0, 0) == -ENOENT);
	WANT(open_range(0, code) == -ESRCH && open_range(-1, code) == -ESRCH);
	WANT(open_range(INT32_MAX, code) == -ENOENT);
}

static void open_without_need(void)
{
	struct range code = find(getpid(), "r-xp", true);

	WANT(ebs_helper_at_end(0, 1, 2, out[1]) == 0);
	be_somebody_else();
	WANT(open_range(getpid(), code) == -EPERM);
}

static void test_mapped(void **state)
{
	needs_root();
	run(open_code);
	run(open_without_need);
}

// --- commands

static int wait_for_command(void)
{
	struct pollfd wait = { .fd = ebs_helper_command_fd(), .events = POLLIN };
	int status = -1;

	WANT(poll(&wait, 1, 30000) == 1);
	WANT(ebs_helper_command_status(&status) == 0);
	return status;
}

#define SHOW                                                                                  \
	"printf '%s ' $0; id -u | tr '\\n' ' '; sed -n 's/^CapEff:.//p' /proc/self/status | " \
	"grep -c '[1-9a-f]' | tr '\\n' ' '; exit 3"

static void show(const char *arguments[4], bool drop)
{
	int status;

	dup2(out[1], STDOUT_FILENO);
	WANT(ebs_helper_command((char *const *)arguments) == 0);
	WANT(ebs_helper_command((char *const *)arguments) == -EALREADY);
	WANT(ebs_helper_command_pid() > 0);
	if (drop)
		be_somebody_else();
	WANT(ebs_helper_command_status(&status) == -EAGAIN);
	dprintf(out[1], "started ");
	WANT(ebs_helper_command_start() == 0);
	status = wait_for_command();
	WANT(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	WANT(ebs_helper_command_start() == -ESRCH);
	WANT(ebs_helper_command_signal(SIGTERM) == -ESRCH);
}

static void show_after_drop(void)
{
	show((const char *[]){ "sh", "-c", SHOW "", NULL }, true);
}

static void end_command(void)
{
	char *arguments[] = { "sleep", "1000", NULL };

	WANT(ebs_helper_command(arguments) == 0);
	if (geteuid() == 0)
		be_somebody_else();
	WANT(ebs_helper_command_start() == 0);
	WANT(ebs_helper_command_start() == -EALREADY);
	WANT(ebs_helper_command_signal(SIGSTOP) == -EINVAL);
	WANT(ebs_helper_command_signal(0) == -EINVAL);
	WANT(ebs_helper_command_signal(SIGTERM) == 0);
	int status = wait_for_command();
	WANT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void no_command(void)
{
	char *arguments[] = { "ebs-no-such-program", NULL };

	WANT(ebs_helper_command(arguments) == 0);
	WANT(ebs_helper_command_start() == -ENOENT);
	WANT(WEXITSTATUS(wait_for_command()) == 127);
}

// That the pipe ends says that the command has ended, as it has it open.
static void leave_command(bool start)
{
	char *arguments[] = { "sh", "-c", "echo ran; exec sleep 1000", NULL };

	dup2(out[1], STDOUT_FILENO);
	WANT(ebs_helper_command(arguments) == 0);
	WANT(!start || ebs_helper_command_start() == 0);
	if (start)
		usleep(200000);
	kill(getpid(), SIGKILL);
}

static void leave_it_running(void)
{
	leave_command(true);
}

static void leave_it_waiting(void)
{
	leave_command(false);
}

static void too_late(void)
{
	WANT(ebs_helper_at_end(0, 1, 2, -1) == 0);
	WANT(ebs_helper_command((char *[]){ "true", NULL }) == -EALREADY);
}

static void test_commands(void **state)
{
	run(end_command);
	run(no_command);
	run(too_late);
	assert_string_equal(run(leave_it_running), "ran\n");
	assert_string_equal(run(leave_it_waiting), "");
	needs_root();
	assert_string_equal(run(show_after_drop), "started sh 0 1 ");
}

// --- files

static int read_whole(const char *name, char text[32])
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return -errno;
	ssize_t size = read(fd, text, 31);
	close(fd);
	text[size > 0 ? size : 0] = '\0';
	return 0;
}

static void write_files(void)
{
	struct ebs_output_file files[3];
	static const char *const names[] = { "done", "not-wanted", "forgotten" };
	char path[64];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		WANT(ebs_output_file_open(&files[i], path, NULL) == 0);
		WANT(ebs_helper_keep_output(&files[i]) == i);
	}
	be_somebody_else();
	for (int i = 0; i < 3; i++)
		WANT(write(files[i].fd, names[i], strlen(names[i])) > 0);
	WANT(ebs_helper_keep_output(&files[0]) == -EPERM);
	WANT(ebs_helper_finish_output(0) == 0);
	WANT(ebs_helper_finish_output(0) == -EBADF);
	WANT(ebs_helper_discard_output(1) == 0);
	WANT(ebs_helper_finish_output(1) == -EBADF);
	WANT(ebs_helper_finish_output(3) == -EBADF);
	WANT(ebs_helper_finish_output(-1) == -EBADF);
}

static void test_files(void **state)
{
	struct dirent *entry;
	char text[32];
	int count = 0;

	needs_root();
	run(write_files);
	for (int tries = 0; tries < 100; tries++) { // the helper is on its way
		DIR *list = opendir(folder);

		count = 0;
		while ((entry = readdir(list)))
			count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
		closedir(list);
		if (count == 1)
			break;
		usleep(50000);
	}
	assert_int_equal(count, 1);
	assert_int_equal(read_whole("done", text), 0);
	assert_string_equal(text, "done");
}

// --- an intruder

// The host's end of the connection: the first of its sockets of this kind.
static int find_connection(void)
{
	for (int fd = 3; fd < 64; fd++) {
		int type = 0;
		socklen_t size = sizeof(type);

		if (!getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) && type == SOCK_SEQPACKET)
			return fd;
	}
	return -1;
}

static int ask_by_hand(int connection, const void *data, size_t size, int fd)
{
	struct ebs_helper_reply reply = { 0 };
	int fds[EBS_HELPER_FDS] = { fd, fd };

	if (ebs_message_send(connection, data, size, fds, 0))
		return INT32_MIN;
	ssize_t got = ebs_message_receive(connection, &reply, sizeof(reply), fds);
	for (int i = 0; i < EBS_HELPER_FDS; i++) {
		WANT(fds[i] < 0); // it hands out nothing
		if (fds[i] >= 0)
			close(fds[i]);
	}
	return got == sizeof(reply) ? reply.result : INT32_MIN;
}

// What the helper has left, out of /proc: "CapEff".
static uint64_t capabilities_of_helper(void)
{
	char path[64];
	char line[128] = "";
	unsigned long long value = ALL;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	FILE *file = fopen(path, "r");
	if (!file || !fgets(line, sizeof(line), file))
		return ALL;
	fclose(file);
	snprintf(path, sizeof(path), "/proc/%d/status", atoi(line));
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file) && !sscanf(line, "CapPrm: %llx", &value))
		;
	if (file)
		fclose(file);
	return value;
}

static void intrude(void)
{
	struct ebs_helper_request request = { .number = getpid() };
	char *text = (char *)&request;
	int secret = open("/proc/self/exe", O_RDONLY);

	WANT(ebs_helper_at_end(0, 1, 2, out[1]) == 0);
	be_somebody_else();
	int connection = find_connection();
	WANT(connection >= 0);
	for (uint32_t verb = 0; verb < 64; verb++) {
		request.verb = verb;
		request.serial = verb;
		int result = ask_by_hand(connection, &request, sizeof(request), secret);
		WANT(result < 0 && result != INT32_MIN);
		if (verb && verb <= EBS_HELPER_SEAL)
			WANT(result == -EPERM);
	}
	for (size_t size = 1; size < sizeof(request); size += 7)
		WANT(ask_by_hand(connection, &request, size, secret) == -EINVAL);
	srand(11);
	for (int i = 0; i < 3000; i++) {
		for (size_t byte = 0; byte < sizeof(request); byte++)
			text[byte] = (char)rand();
		request.verb = (uint32_t)rand() % 16;
		WANT(ask_by_hand(connection, &request, sizeof(request), i % 3 ? -1 : secret) < 0);
	}
	// Without taking the replies: it isn't kept waiting.
	request.verb = EBS_HELPER_OPEN_MAPPED;
	for (int i = 0; i < 2000; i++)
		ebs_message_send(connection, &request, sizeof(request), NULL, MSG_DONTWAIT);
}

static void test_intruder(void **state)
{
	needs_root();
	assert_string_equal(run(intrude), "1 2;");
}

static void compare_capabilities(void)
{
	WANT(ebs_helper_need_mapped() == 0);
	WANT(ebs_helper_seal() == 0);
	uint64_t left = capabilities_of_helper();
	WANT(left & EBS_CAPABILITY(CAP_SYS_PTRACE));
	WANT(!(left & ~(EBS_CAPABILITY(CAP_SYS_PTRACE) | EBS_CAPABILITY(CAP_DAC_READ_SEARCH) |
			EBS_CAPABILITY(40) | EBS_CAPABILITY(CAP_SYS_ADMIN))));
	WANT(!ebs_capability_exists(40) || !(left & EBS_CAPABILITY(CAP_SYS_ADMIN)));
}

static void compare_fewer(void)
{
	WANT(ebs_helper_at_end(0, 1, 2, -1) == 0);
	WANT(ebs_helper_seal() == 0);
	WANT(!(capabilities_of_helper() &
	       ~(EBS_CAPABILITY(CAP_NET_ADMIN) | EBS_CAPABILITY(CAP_BPF))));
}

static void test_capabilities(void **state)
{
	needs_root();
	run(compare_capabilities);
	run(compare_fewer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),          cmocka_unit_test(test_acts),
		cmocka_unit_test(test_many_and_gone), cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_commands),      cmocka_unit_test(test_files),
		cmocka_unit_test(test_intruder),      cmocka_unit_test(test_capabilities),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
