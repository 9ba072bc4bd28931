// SPDX-License-Identifier: GPL-2.0-only
// What no descriptor holds is taken away by the helper, which outlives this process for a moment.
#include "kernel/at_end.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "helper/helper.h"
#include "kernel/clsact.h"

static void remove_filters(int ifindex, uint32_t handle, int fd)
{
	ebs_clsact_remove(ifindex, handle);
}

static void unregister(int number, uint32_t value, int map)
{
	bpf_map_delete_elem(map, &(uint32_t){ 0 });
}

enum {
	REMOVE_FILTERS,
	UNREGISTER,
	ACTS,
};

void ebs_at_end_init(void)
{
	static ebs_helper_act *const acts[ACTS] = {
		[REMOVE_FILTERS] = remove_filters,
		[UNREGISTER] = unregister,
	};

	ebs_helper_init(acts, ACTS);
}

static int tell(unsigned act, int number, uint32_t value, int fd)
{
	int result = ebs_helper_at_end(act, number, value, fd);

	return result == -EPIPE ? 0 : result;
}

int ebs_at_end_remove_filters(int ifindex, uint32_t handle)
{
	return tell(REMOVE_FILTERS, ifindex, handle, -1);
}

int ebs_at_end_unregister(int map)
{
	return tell(UNREGISTER, 0, 0, map);
}
