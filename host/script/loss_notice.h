// SPDX-License-Identifier: GPL-2.0-only
// A loss in words.
#ifndef EBS_SCRIPT_LOSS_NOTICE_H
#define EBS_SCRIPT_LOSS_NOTICE_H

#include "kernel/losses.h"
#include "script/state.h"

// "lost_events", ...: the kind's name in records and in object:losses().
const char *ebs_loss_kind_name(enum ebs_loss_kind kind);

// A line on standard error, and where rows are JSON a record among them: what was lost since
// loss->told, or, `final`, in all.
void ebs_loss_notice(const struct ebs_state *state, const struct ebs_loss *loss, bool final);

#endif
