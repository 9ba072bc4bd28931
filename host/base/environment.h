// SPDX-License-Identifier: GPL-2.0-only
// The environment variables that the program reads, in one table.
#ifndef EBS_BASE_ENVIRONMENT_H
#define EBS_BASE_ENVIRONMENT_H

#include <stdbool.h>

// Where programs are looked for that are named without a path.
#define EBS_STANDARD_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Whether the process runs as root, or by a user other than the one that started it. Then no
// environment variable may decide what is read, compiled, run or trusted.
bool ebs_environment_is_foreign(void);

// To be called once, before anything else is: removes what no library may see, and gives root's
// PATH its standard value. Out of memory is no failure: what was set in vain is ignored.
void ebs_environment_init(void);

// The variable's value; NULL when it isn't set, is not in the table, or is not for root to read.
// The value belongs to the environment.
const char *ebs_environment_get(const char *name);

// What a program that this one starts gets: all that ebs_environment_init() has left, up to a NULL.
// It belongs to the process.
char *const *ebs_environment_for_child(void);

#endif
