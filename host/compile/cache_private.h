// SPDX-License-Identifier: GPL-2.0-only
// What the files of the cache share.
#ifndef EBS_COMPILE_CACHE_PRIVATE_H
#define EBS_COMPILE_CACHE_PRIVATE_H

#include "compile/cache.h"

// An entry's file is called by the 32 hexadecimal digits of its key. While it is being written, 16
// random ones and the second suffix follow. The folder may have other files, which aren't the
// cache's to touch.
#define EBS_CACHE_SUFFIX     ".ebs"
#define EBS_CACHE_UNFINISHED ".tmp"
#define EBS_CACHE_DIGITS     32
#define EBS_CACHE_RANDOM     16
#define EBS_CACHE_NAME       64 // bytes that hold the longest name, with its NUL

struct ebs_cache {
	int fd;
	char *path;
};

#endif
