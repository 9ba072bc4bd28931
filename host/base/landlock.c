// SPDX-License-Identifier: GPL-2.0-only
// Landlock: rights that a process takes from itself, whoever it runs as.
#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// What headers of older kernels lack.
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14) // version 3
#endif
#define SCOPE_ABSTRACT_SOCKETS (1ULL << 0) // version 6
#define SCOPE_SIGNALS          (1ULL << 1)

// struct landlock_ruleset_attr, as include/uapi/linux/landlock.h has it since Linux 6.12.
struct ruleset {
	uint64_t files;
	uint64_t network;
	uint64_t scopes;
};

// Everything that writes, by the version of Landlock that knows it.
#define WRITES                                                           \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |     \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define WRITES_3 (WRITES | LANDLOCK_ACCESS_FS_TRUNCATE)

static int allow_null(int ruleset)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_WRITE_FILE,
		.parent_fd = open("/dev/null", O_PATH | O_CLOEXEC),
	};
	int result = 0;

	if (rule.parent_fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		result = -errno;
	close(rule.parent_fd);
	return result;
}

// A ruleset that governs writing and has no rule allows none.
int ebs_landlock_forbid_writing(bool outward)
{
	int version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (version < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	struct ruleset attributes = { .files = version < 3 ? WRITES : WRITES_3 };
	if (outward && version >= 6)
		attributes.scopes = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
	// An older kernel takes a larger struct whose rest is 0.
	int ruleset = syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
	if (ruleset < 0)
		return -errno;
	int result = outward ? allow_null(ruleset) : 0;
	if (!result && syscall(SYS_landlock_restrict_self, ruleset, 0))
		result = -errno;
	close(ruleset);
	return result;
}
