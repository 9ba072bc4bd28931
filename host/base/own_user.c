// SPDX-License-Identifier: GPL-2.0-only
// A user and a group of the process's own, that nothing else has.
#include "base/own_user.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/capabilities.h"

// Above all that users, services and containers are given, and below what systemd keeps for files
// of foreign systems: https://systemd.io/UIDS-GIDS/.
#define FIRST 0x70000000u
#define COUNT 0x0FFE0000u
#define TRIES 16

static bool have_own;

// Whether a line of the file gives the number to somebody: "NAME:x:NUMBER:...", or, of ranges,
// "NAME:FIRST:COUNT".
static bool is_listed(const char *path, bool ranges, uint32_t number)
{
	FILE *file = fopen(path, "re");
	char line[512];
	bool listed = false;

	while (file && !listed && fgets(line, sizeof(line), file)) {
		unsigned long long first = 0, count = 1;
		const char *format = ranges ? "%*[^:]:%llu:%llu" : "%*[^:]:%*[^:]:%llu";

		if (sscanf(line, format, &first, &count) >= 1)
			listed = number >= first && number - first < count;
	}
	if (file)
		fclose(file);
	return listed;
}

static bool has_process(uint32_t number)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	struct stat status;
	bool found = false;

	while (folder && !found && (entry = readdir(folder)))
		if (*entry->d_name >= '1' && *entry->d_name <= '9' &&
		    !fstatat(dirfd(folder), entry->d_name, &status, 0))
			found = status.st_uid == number || status.st_gid == number;
	if (folder)
		closedir(folder);
	return found;
}

static bool is_free(uint32_t number)
{
	return !is_listed("/etc/passwd", false, number) &&
	       !is_listed("/etc/group", false, number) && !is_listed("/etc/subuid", true, number) &&
	       !is_listed("/etc/subgid", true, number) && !has_process(number);
}

static int choose(uint32_t *number)
{
	for (int i = 0; i < TRIES; i++) {
		if (getrandom(number, sizeof(*number), 0) != sizeof(*number))
			return -errno;
		*number = FIRST + *number % COUNT;
		if (is_free(*number))
			return 0;
	}
	return -EBUSY;
}

static int refuse(int number, struct ebs_error *error)
{
	if (number == EPERM)
		return ebs_error_explain(
			error, number, "this process may not change to a user of its own (%s)",
			!ebs_capability_have(CAP_SETUID)   ? "it lacks CAP_SETUID"
			: !ebs_capability_have(CAP_SETGID) ? "it lacks CAP_SETGID"
							   : "something forbids it");
	if (number == EINVAL)
		return ebs_error_explain(error, number,
					 "this user namespace has no other user to change to");
	return ebs_error_errno(error, number, "can't change to a user of its own");
}

// Groups first: afterwards they could not be changed. Returns 0 or -errno, with all as before.
static int change(uint32_t number)
{
	gid_t group = getegid();
	int count = getgroups(0, NULL);
	gid_t *groups = count < 0 ? NULL : calloc((size_t)count + 1, sizeof(*groups));
	int result = 0;

	if (!groups || getgroups(count, groups) < 0 || setgroups(0, NULL)) {
		result = -errno;
	} else if (setresgid(number, number, number) || setresuid(number, number, number)) {
		result = -errno;
		if (setresgid(group, group, group) || setgroups((size_t)count, groups))
			result = -EPERM; // no way back
	}
	free(groups);
	return result;
}

int ebs_own_user_take(struct ebs_error *error)
{
	uint32_t number;

	if (have_own)
		return 0;
	if (!ebs_capability_have(CAP_SETUID) || !ebs_capability_have(CAP_SETGID))
		return refuse(EPERM, error);
	int result = choose(&number);
	if (!result) {
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
		result = change(number);
		prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	}
	if (result)
		return refuse(-result, error);
	have_own = true;
	// Who holds a keyring may use the keys in it, whoever that is. A kernel without keys has
	// none.
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	return ebs_capabilities_use();
}
