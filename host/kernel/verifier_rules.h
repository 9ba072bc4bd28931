// SPDX-License-Identifier: GPL-2.0-only
// What the verifier's messages mean, and what to do about them.
#ifndef EBS_KERNEL_VERIFIER_RULES_H
#define EBS_KERNEL_VERIFIER_RULES_H

#include <regex.h>
#include <stddef.h>

// What else is worth telling.
enum ebs_story {
	EBS_STORY_NONE,
	EBS_STORY_POINTER,   // where the register comes from
	EBS_STORY_OFFSET,    // where the number comes from that was added to it
	EBS_STORY_REFERENCE, // what is still held, and the way to here
	EBS_STORY_LOOP,      // which loop it is
	EBS_STORY_STACK,     // what each function needs
};

enum { EBS_RULE_GROUPS = 8 };

struct ebs_verifier_rule {
	const char *message;     // POSIX extended regular expression for a line of the kernel's
	const char *instruction; // part of the instruction's text, behind which " ; R6=0;" says
				 // what it goes through; NULL where that makes no difference
	// {1}: a group of the expression. {pointer}, {value}: the C of what the register that the
	// message names first points to, or holds. {helper}: the function that is called there.
	// {section}: of the program. {end}: the sum of groups 1 and 2. {constant}, {copied}: how
	// what the context holds is read or written, or copied for a helper.
	const char *words;
	enum ebs_story story;
};

// The rule for a line of the kernel's; NULL when nothing is known of it.
const struct ebs_verifier_rule *ebs_verifier_rule_find(const char *message, const char *instruction,
						       regmatch_t groups[EBS_RULE_GROUPS]);

// How a resource is given back that the function has given; never NULL.
const char *ebs_verifier_release(const char *function, size_t length);

#endif
