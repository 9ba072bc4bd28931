// SPDX-License-Identifier: GPL-2.0-only
// Whether anybody could have put a file there who is not trusted.
#ifndef EBS_BASE_TRUST_H
#define EBS_BASE_TRUST_H

#include <sys/stat.h>

#include "base/error.h"

// Trusted are root, the caller, and whoever may write the script that runs. Everything on the way
// to a file counts, from the root folder on: who owns it, who may write to it, and the same for the
// target of each symbolic link.
enum ebs_trust {
	// Somebody named it: it may lie in a folder like /tmp, where a file is its owner's alone.
	EBS_TRUST_NAMED,
	// It was looked for: nobody else may be able to put a file into its folder. Of a folder:
	// into
	// that folder itself.
	EBS_TRUST_FOUND,
};

// Returns 0; -EPERM with `error` saying in one sentence who could have written it; or another
// -errno, of which -ENOENT and -ENOTDIR leave `error` unset. `error` may be NULL. What ships with
// the program is trusted as the program is.
int ebs_trust_path(const char *path, enum ebs_trust how, struct ebs_error *error);

// Trusts the owner of what is running, too, and its group where that may write it. Takes the place
// of what was set before.
void ebs_trust_script(const struct stat *script);

#endif
