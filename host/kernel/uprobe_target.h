// SPDX-License-Identifier: GPL-2.0-only
// What SEC("uprobe/PATH:SYMBOL") and its relatives say.
#ifndef EBS_KERNEL_UPROBE_TARGET_H
#define EBS_KERNEL_UPROBE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

// Parts that a section doesn't have are NULL or 0.
struct ebs_uprobe_target {
	char *path;
	char *symbols;      // as it is written
	const char **names; // the same as a list; they lie in there
	uint32_t name_count;
	uint64_t offset;
	bool has_offset;
};

// Takes what stands behind the section's first '/' apart; `text` NULL: it says nothing. "PATH",
// "PATH:SYMBOL", "PATH:SYMBOL+OFFSET", "PATH:0xOFFSET"; with `is_list` "PATH:NAME,GLOB,...". The
// path ends at the first ':'. Returns 0 or -ENOMEM; free it in both cases.
int ebs_uprobe_target_parse(const char *text, bool is_list, struct ebs_uprobe_target *target);
void ebs_uprobe_target_free(struct ebs_uprobe_target *target);

// Of SEC("usdt/PATH:PROVIDER:NAME"), whose path may have colons; all NULL where it isn't that.
struct ebs_usdt_target {
	char *copy; // what the others lie in
	const char *path;
	const char *provider;
	const char *name;
};

// `text` NULL: the section says nothing. Returns 0 or -ENOMEM; free it in both cases.
int ebs_usdt_target_parse(const char *text, struct ebs_usdt_target *target);
void ebs_usdt_target_free(struct ebs_usdt_target *target);

// Takes a text with commas between apart, in place; brackets of C++ names keep theirs. The array is
// the caller's. Returns how many there are, 0 out of memory.
uint32_t ebs_list_split(char *text, const char ***names);

#endif
