// SPDX-License-Identifier: GPL-2.0-only
// Of many names the one that somebody probably meant.
#ifndef EBS_BASE_NEAR_H
#define EBS_BASE_NEAR_H

#include <stddef.h>

struct ebs_near {
	const char *name; // that was written, `length` characters
	size_t length;
	unsigned most;  // steps away that a candidate may be
	unsigned apart; // steps that the best one is; 0: it is that name
	char best[128]; // "" while there is none
	char text[160]; // of ebs_near_text()
};

void ebs_near_begin(struct ebs_near *near, const char *name, size_t length);

// Remembers the candidate if it is nearer than all before.
void ebs_near_offer(struct ebs_near *near, const char *candidate);

// The same for each line of a text, which is taken apart.
void ebs_near_offer_lines(struct ebs_near *near, char *lines);

// "; did you mean NAME?" for the end of a message, or "". It stays as long as `near`.
const char *ebs_near_text(struct ebs_near *near);

#endif
