// SPDX-License-Identifier: GPL-2.0-only
// What a confined process can still do: read, compute, write to what is open. Each case runs in a
// child.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compile/confine.h"

static char folder[] = "/tmp/ebs-confine-test-XXXXXX";
static char file[64];
static int memory; // a file in memory, open before
static int failures;

// Without a stop at the first, so that one run tells all.
static void want(bool value, const char *what)
{
	if (value)
		return;
	dprintf(STDERR_FILENO, "# %s (%s)\n", what, strerror(errno));
	failures++;
}
#define WANT(expression) want(expression, #expression)
#define WANT_ERROR(call, number) \
	want((call) < 0 && errno == (number), #call " must fail with " #number)

static void run(void (*function)(void), uid_t user)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		want(!user || (!setgid(user) && !setuid(user)), "become another user");
		int result = ebs_confine();
		errno = -result;
		WANT(result == 0);
		function();
		_exit(failures ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void needs_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("# skip: needs root\n");
	skip();
}

static void needs_landlock(void)
{
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 3)
		return;
	print_message("# skip: needs Landlock's third version (Linux 6.2)\n");
	skip();
}

static void write_nowhere(void)
{
	char other[80];

	snprintf(other, sizeof(other), "%s.new", file);
	WANT_ERROR(open(file, O_WRONLY), EACCES);
	WANT_ERROR(open(file, O_RDWR | O_APPEND), EACCES);
	WANT_ERROR(open(file, O_RDONLY | O_TRUNC), EACCES);
	WANT_ERROR(truncate(file, 1), EACCES);
	WANT_ERROR(open(other, O_WRONLY | O_CREAT | O_EXCL, 0600), EACCES);
	WANT_ERROR(open(folder, O_WRONLY | O_TMPFILE, 0600), EACCES);
	WANT_ERROR(mkdir(other, 0700), EACCES);
	WANT_ERROR(symlink(file, other), EACCES);
	WANT_ERROR(mkfifo(other, 0600), EACCES);
	WANT_ERROR(unlink(file), EACCES);
	WANT_ERROR(rename(file, other), EACCES);
	WANT(link(file, other) < 0);
	WANT_ERROR(open("/proc/self/oom_score_adj", O_WRONLY), EACCES);
	WANT_ERROR(open("/dev/null", O_WRONLY), EACCES);
}

static void test_no_writing(void **state)
{
	struct stat status;

	needs_landlock();
	run(write_nowhere, 0);
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_size, 4);
	if (geteuid() == 0) {
		assert_int_equal(chmod(folder, 0777) | chmod(file, 0666), 0);
		run(write_nowhere, 65534);
		assert_int_equal(chmod(folder, 0700) | chmod(file, 0600), 0);
	}
}

static void read_and_compute(void)
{
	char text[8] = "";
	int fd = open(file, O_RDONLY);

	WANT(fd >= 0 && read(fd, text, sizeof(text)) == 4 && memcmp(text, "text", 4) == 0);
	WANT(write(memory, text, 4) == 4);
	WANT(ftruncate(memory, 2) == 0);
	WANT(malloc(1 << 20) != NULL);
	WANT(access("/", R_OK | X_OK) == 0);
}

static void test_reading(void **state)
{
	run(read_and_compute, 0);
}

// The home folders of Debian 12 have mode 0700, and `sudo` runs scripts from there.
static void test_reading_what_root_may(void **state)
{
	needs_root();
	assert_int_equal(chown(folder, 65534, 65534) | chown(file, 65534, 65534), 0);
	run(read_and_compute, 0);
	assert_int_equal(chown(folder, 0, 0) | chown(file, 0, 0), 0);
}

static void capabilities_of_none(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	const uint32_t reading = 1U << CAP_DAC_READ_SEARCH;

	WANT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	WANT(syscall(SYS_capget, &header, data) == 0);
	WANT((data[0].effective & ~reading) == 0 && data[1].effective == 0);
	WANT((data[0].permitted & ~reading) == 0 && data[1].permitted == 0);
	WANT(data[0].inheritable == 0 && data[1].inheritable == 0);
	WANT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_DAC_READ_SEARCH, 0, 0) == 0);
	data[0].effective = data[0].permitted = ~0U;
	WANT_ERROR(syscall(SYS_capset, &header, data), EPERM);
}

// For programs that the process might start.
static void bounding_set_is_empty(void)
{
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
		WANT(prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 0);
	capabilities_of_none();
}

static void test_capabilities(void **state)
{
	run(geteuid() == 0 ? bounding_set_is_empty : capabilities_of_none, 0);
}

static void do_as_root_does(void)
{
	union bpf_attr first = { .start_id = 0 };
	char name[8] = "elsewhe";

	WANT_ERROR(syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &first, sizeof(first)), EPERM);
	WANT_ERROR(setuid(65534), EPERM);
	WANT_ERROR(setgid(65534), EPERM);
	WANT(mount("none", folder, "tmpfs", 0, NULL) < 0);
	WANT(umount(folder) < 0);
	WANT_ERROR(chroot(folder), EPERM);
	WANT_ERROR(sethostname(name, 7), EPERM);
	WANT_ERROR(unshare(CLONE_NEWNET), EPERM);
	WANT_ERROR(chown(file, 65534, 65534), EPERM);
	WANT(mknod("/tmp/ebs-device", S_IFCHR | 0600, 0x0103) < 0);
	WANT(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0);
	WANT(kill(1, 0) == 0 || errno == EPERM);
	WANT_ERROR(nice(-5), EPERM);
}

static void test_no_root_powers(void **state)
{
	needs_root();
	run(do_as_root_does, 0);
}

static void confine_again(void)
{
	WANT(ebs_confine() == 0);
	write_nowhere();
}

static void test_twice(void **state)
{
	needs_landlock();
	run(confine_again, 0);
}

static int setup(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/file", folder);
	int fd = open(file, O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || write(fd, "text", 4) != 4)
		return -1;
	close(fd);
	memory = memfd_create("memory", 0);
	return memory < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	return unlink(file) | rmdir(folder);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_writing),
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_reading_what_root_may),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_no_root_powers),
		cmocka_unit_test(test_twice),
	};

	return cmocka_run_group_tests_name("confine", tests, setup, teardown);
}
