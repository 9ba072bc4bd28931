// SPDX-License-Identifier: GPL-2.0-only
// Giving up privileges once programs are attached.
#include "kernel/privileges.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>

#include "base/capabilities.h"

// Whether this thread may ask for entries of a map at all. That there is no such map comes second.
static bool may_read_maps(void)
{
	uint64_t key = 0, value = 0;

	return !bpf_map_lookup_elem(-1, &key, &value) || errno != EPERM;
}

int ebs_privileges_drop(uint64_t kept, const char **kept_for_maps)
{
	static const struct {
		int number;
		const char *name;
	} helps[] = { { CAP_BPF, "CAP_BPF" }, { CAP_SYS_ADMIN, "CAP_SYS_ADMIN" } };

	*kept_for_maps = NULL;
	int result = ebs_capabilities_rest(kept);
	if (result)
		return result;
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
	return ebs_capabilities_drop(kept);
}
