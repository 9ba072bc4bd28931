// SPDX-License-Identifier: GPL-2.0-only
// Taking away from a process what a compile doesn't need.
#include "compile/confine.h"

#include "base/capabilities.h"
#include "base/landlock.h"

int ebs_confine(void)
{
	int result = ebs_capabilities_drop(EBS_CAPABILITY(CAP_DAC_READ_SEARCH));

	return result ? result : ebs_landlock_forbid_writing(false);
}
