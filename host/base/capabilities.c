// SPDX-License-Identifier: GPL-2.0-only
// What the process may do, and giving that up.
#include "base/capabilities.h"

#include <errno.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>
#include <sys/prctl.h>

static int last_capability(void)
{
	return (int)cap_max_bits() - 1;
}

bool ebs_capability_exists(int number)
{
	return number <= last_capability();
}

bool ebs_capability_have(int number)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t own = cap_get_proc();

	if (!ebs_capability_exists(number))
		number = CAP_SYS_ADMIN;
	if (own)
		cap_get_flag(own, number, CAP_EFFECTIVE, &value);
	cap_free(own);
	return value == CAP_SET;
}

int ebs_capability_find(const char *name)
{
	char full[32];
	cap_value_t number;

	snprintf(full, sizeof(full), "%s%s", strncasecmp(name, "cap_", 4) ? "cap_" : "", name);
	return cap_from_name(full, &number) ? -1 : number;
}

// Leaves of a flag of the thread only what it has of `kept`.
static int reduce(cap_t own, cap_flag_t flag, uint64_t kept)
{
	for (cap_value_t number = 0; number <= last_capability(); number++)
		if (!(kept & EBS_CAPABILITY(number)) &&
		    cap_set_flag(own, flag, 1, &number, CAP_CLEAR))
			return -errno;
	return 0;
}

static int set(bool permitted, uint64_t kept)
{
	cap_t own = cap_get_proc();
	int result = own ? reduce(own, CAP_EFFECTIVE, kept) : -errno;

	if (!result && permitted)
		result = reduce(own, CAP_PERMITTED, kept);
	if (!result && permitted)
		result = reduce(own, CAP_INHERITABLE, 0);
	if (!result && cap_set_proc(own))
		result = -errno;
	cap_free(own);
	return result;
}

int ebs_capabilities_drop(uint64_t kept)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	// Only who has CAP_SETPCAP has anything in these two to give up.
	for (int number = 0; number <= last_capability(); number++)
		prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
	prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0);
	return set(true, kept);
}

int ebs_capabilities_rest(uint64_t kept)
{
	return set(false, kept);
}

int ebs_capabilities_use(void)
{
	cap_t own = cap_get_proc();
	int result = own ? 0 : -errno;

	for (cap_value_t number = 0; own && number <= last_capability(); number++) {
		cap_flag_value_t value = CAP_CLEAR;

		cap_get_flag(own, number, CAP_PERMITTED, &value);
		cap_set_flag(own, CAP_EFFECTIVE, 1, &number, value);
	}
	if (own && cap_set_proc(own))
		result = -errno;
	cap_free(own);
	return result;
}
