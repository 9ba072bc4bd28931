// SPDX-License-Identifier: GPL-2.0-only
// The formatters, for the table of them.
#ifndef EBS_OUTPUT_FORMAT_PRIVATE_H
#define EBS_OUTPUT_FORMAT_PRIVATE_H

#include "output/format.h"

typedef size_t ebs_format(char out[EBS_FORMATTED_SIZE], const struct ebs_scalar *value, bool json);

ebs_format ebs_format_boottime;
ebs_format ebs_format_enum;
ebs_format ebs_format_errno;
ebs_format ebs_format_flags;
ebs_format ebs_format_result;
ebs_format ebs_format_signal;
ebs_format ebs_format_syscall;
ebs_format ebs_format_time;

#endif
