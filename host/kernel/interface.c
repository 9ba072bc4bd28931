// SPDX-License-Identifier: GPL-2.0-only
// Network interfaces by name.
#include "kernel/interface.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "base/near.h"

int ebs_interface_find(const char *name, struct ebs_error *error)
{
	unsigned index = if_nametoindex(name);
	if (index)
		return (int)index;
	struct if_nameindex *all = if_nameindex();
	struct ebs_near near;

	ebs_near_begin(&near, name, strlen(name));
	for (struct if_nameindex *one = all; one && one->if_index; one++)
		ebs_near_offer(&near, one->if_name);
	if (all)
		if_freenameindex(all);
	return ebs_error_explain(error, ENODEV, "there is no network interface \"%s\"%s", name,
				 strchr(name, ',') ? ": several are a sequence of names"
						   : ebs_near_text(&near));
}
