// SPDX-License-Identifier: GPL-2.0-only
// Attaching to many places by few calls: where a call fails because of a place, its halves are
// tried, down to that place.
#include "kernel/spread.h"

#include <errno.h>

#include "base/error.h"

#define HOPELESS 64 // places that failed while none worked: it isn't the places

// Whether the kernel may mean one of the places by it.
static bool is_of_place(int result)
{
	switch (-result) {
	case ENOTSUPP: // an instruction that can't be probed
	case EOPNOTSUPP:
	case EINVAL:
	case ENOENT:
	case ENOEXEC:
	case EADDRNOTAVAIL:
	case EILSEQ:
	case EIO:
	case ESRCH:
		return true;
	default:
		return false;
	}
}

struct progress {
	struct ebs_spread *spread;
	uint32_t failed;
};

static int attach(struct progress *progress, uint32_t first, uint32_t count)
{
	struct ebs_spread *spread = progress->spread;
	int result = spread->one_by_one && count > 1
			     ? -ENOTSUPP
			     : spread->attach(spread->context, first, count);

	if (!result) {
		spread->attached += count;
		return 0;
	}
	spread->refused = first;
	if (!is_of_place(result))
		return result;
	if (count > 1) {
		uint32_t half = count / 2;

		result = attach(progress, first, half);
		return result ? result : attach(progress, first + half, count - half);
	}
	if (!spread->is_chosen(spread->context, first) ||
	    (++progress->failed >= HOPELESS && !spread->attached))
		return result;
	spread->left_out[first] = true;
	return 0;
}

int ebs_spread_attach(struct ebs_spread *spread)
{
	struct progress progress = { .spread = spread };

	spread->attached = 0;
	return attach(&progress, 0, spread->count);
}
