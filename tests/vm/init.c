// SPDX-License-Identifier: GPL-2.0-only
// PID 1 of the test guest: mounts what a running system has, loads modules, runs one program, and
// tells qemu its status.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define EXIT_PORT 0xf4 // qemu's isa-debug-exit: it ends with the status 2 * byte + 1
#define LOST      126  // the program did not end by itself

static const char *const MOUNTS[][2] = {
	// kind, place; the image has all places of the root
	{ "proc", "/proc" },
	{ "sysfs", "/sys" },
	{ "devtmpfs", "/dev" },
	{ "tmpfs", "/run" },
	{ "tmpfs", "/tmp" },
	{ "tmpfs", "/root" },
	{ "tmpfs", "/var" },
	{ "tmpfs", "/dev/shm" },
	{ "devpts", "/dev/pts" },
	{ "bpf", "/sys/fs/bpf" },
	{ "tracefs", "/sys/kernel/tracing" },
	{ "cgroup2", "/sys/fs/cgroup" },
	{ "securityfs", "/sys/kernel/security" },
};

static void complain(const char *what, const char *name)
{
	printf("init: %s %s: %s\n", what, name, strerror(errno));
}

static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(MOUNTS) / sizeof(MOUNTS[0]); i++) {
		const char *kind = MOUNTS[i][0], *place = MOUNTS[i][1];

		mkdir(place, 0755);
		// The kernel mounts devtmpfs itself where it is configured so.
		if (mount(kind, place, kind, 0, NULL) && errno != EBUSY)
			complain("mount", place);
	}
	mkdir("/var/cache", 0755);
	mkdir("/var/tmp", 01777);
	if (symlink("/proc/self/fd", "/dev/fd"))
		complain("symlink", "/dev/fd");
}

static int is_module(const struct dirent *entry)
{
	return strstr(entry->d_name, ".ko") != NULL;
}

// Those of the kernel that runs, in the order of their names: each behind what it depends on.
static void load_modules(void)
{
	struct dirent **entries;
	struct utsname kernel;
	char folder[200], path[500];

	uname(&kernel);
	snprintf(folder, sizeof(folder), "/modules/%s", kernel.release);
	int count = scandir(folder, &entries, is_module, alphasort);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		int module = open(path, O_RDONLY | O_CLOEXEC);
		if (module < 0 || (syscall(SYS_finit_module, module, "", 0) && errno != EEXIST))
			complain("load", path);
		close(module);
	}
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int handle = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (handle < 0 || ioctl(handle, SIOCSIFFLAGS, &request))
		complain("raise", "lo");
	close(handle);
}

static int run(char **words)
{
	pid_t child = fork(), ended;
	int status;

	if (child == 0) {
		setsid();
		execv(words[0], words);
		complain("run", words[0]);
		_exit(LOST);
	}
	// All that loses its parent becomes a child of this process.
	while ((ended = wait(&status)) != child)
		if (ended < 0 && errno != EINTR)
			return LOST;
	return WIFEXITED(status) ? WEXITSTATUS(status) : LOST;
}

int main(void)
{
	char *words[] = { "/bin/sh", "/source/tests/vm/guest.sh", NULL };

	setvbuf(stdout, NULL, _IOLBF, 0);
	mount_all();
	load_modules();
	raise_loopback();
	sethostname("guest", 5);
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	int status = run(words);
	fflush(stdout);
	tcdrain(1);
	if (iopl(3) == 0)
		outb(status, EXIT_PORT);
	reboot(RB_AUTOBOOT); // only without that port; qemu ends with 0 then
	return 0;
}
