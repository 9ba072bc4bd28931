// SPDX-License-Identifier: GPL-2.0-only
// Giving up privileges, and being root, once programs are attached.
#include "kernel/privileges.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>

#include "base/capabilities.h"
#include "base/landlock.h"
#include "base/own_user.h"
#include "base/terminal_input.h"
#include "helper/helper.h"

static bool are_dropped;

bool ebs_privileges_are_dropped(void)
{
	return are_dropped;
}

// Whether this thread may ask for entries of a map at all. That there is no such map comes second.
static bool may_read_maps(void)
{
	uint64_t key = 0, value = 0;

	return !bpf_map_lookup_elem(-1, &key, &value) || errno != EPERM;
}

// What comes on top, where this kernel has it and no filter forbids it.
static int confine(void)
{
	int result = ebs_terminal_input_forbid();

	if (!result || result == -EINVAL || result == -EPERM)
		result = ebs_landlock_forbid_writing(true);
	return result == -EPERM ? 0 : result;
}

int ebs_privileges_drop(uint64_t kept, bool keep_uid, const char **kept_for_maps,
			struct ebs_error *error)
{
	static const struct {
		int number;
		const char *name;
	} helps[] = { { CAP_BPF, "CAP_BPF" }, { CAP_SYS_ADMIN, "CAP_SYS_ADMIN" } };

	*kept_for_maps = NULL;
	int result = keep_uid ? 0 : ebs_own_user_take(error);
	if (result)
		return result;
	result = ebs_helper_seal();
	if (result)
		return ebs_error_errno(error, result,
				       "the helper process doesn't give its rights up");
	result = ebs_capabilities_rest(kept);
	if (result)
		return ebs_error_errno(error, result, "can't give up capabilities");
	for (size_t i = 0; !may_read_maps() && i < sizeof(helps) / sizeof(helps[0]); i++) {
		uint64_t more = kept | EBS_CAPABILITY(helps[i].number);

		ebs_capabilities_use();
		ebs_capabilities_rest(more);
		if (!may_read_maps())
			continue;
		kept = more;
		*kept_for_maps = helps[i].name;
	}
	ebs_capabilities_use(); // dropping needs CAP_SETPCAP
	are_dropped = true;
	result = ebs_capabilities_drop(kept);
	if (!result)
		result = confine();
	return result ? ebs_error_errno(error, result, "can't give up capabilities") : 0;
}
