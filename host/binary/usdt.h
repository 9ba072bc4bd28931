// SPDX-License-Identifier: GPL-2.0-only
// The USDT probes of executables and libraries.
#ifndef EBS_BINARY_USDT_H
#define EBS_BINARY_USDT_H

#include "base/buffer.h"
#include "base/error.h"
#include "binary/file.h"

struct ebs_usdt {
	const char *name;      // "PROVIDER:NAME"
	const char *arguments; // as the note has them, "-4@%edi 8@%rsi"
};

// Ends the visit by a number other than 0. The probe lives as long as the call.
typedef int ebs_usdt_visit_function(void *context, const struct ebs_usdt *probe);

// Visits all places of all probes, in the file's order. Returns 0, or the visit's own number.
int ebs_usdt_visit(struct ebs_binary *binary, ebs_usdt_visit_function *visit, void *context);

// Whether the file has the probe. Returns 0, or -ENOENT with `error` filled: the nearest is named.
int ebs_usdt_find(struct ebs_binary *binary, const char *provider, const char *name,
		  struct ebs_error *error);

// The first argument of the probe that is in no integer register, no constant and no plain place in
// memory; "" when all are.
void ebs_usdt_odd_argument(struct ebs_binary *binary, const char *provider, const char *name,
			   struct ebs_buffer *argument);

#endif
