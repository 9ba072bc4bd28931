// SPDX-License-Identifier: GPL-2.0-only
// Taking away from a process what a compile doesn't need.
#include "compile/confine.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/capabilities.h"

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

// Everything that writes, by the version of Landlock that knows it.
#define WRITES                                                           \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |     \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define WRITES_3 (WRITES | LANDLOCK_ACCESS_FS_TRUNCATE)

// A ruleset that governs writing and has no rule allows none. Files that are open already aren't
// concerned.
static int forbid_writing(void)
{
	int version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (version < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	struct landlock_ruleset_attr attributes = { .handled_access_fs =
							    version < 3 ? WRITES : WRITES_3 };
	int ruleset = syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
	if (ruleset < 0)
		return -errno;
	int result = syscall(SYS_landlock_restrict_self, ruleset, 0) ? -errno : 0;
	close(ruleset);
	return result;
}

int ebs_confine(void)
{
	int result = ebs_capabilities_drop(EBS_CAPABILITY(CAP_DAC_READ_SEARCH));

	return result ? result : forbid_writing();
}
