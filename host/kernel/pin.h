// SPDX-License-Identifier: GPL-2.0-only
// Pins: names in a BPF file system that keep maps, programs and links when their process is gone.
#ifndef EBS_KERNEL_PIN_H
#define EBS_KERNEL_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ebs_link;
struct ebs_program;

// Pins what the descriptor stands for; `what` names it in messages: `map "flows"`. Returns 0, or
// -errno with `error` filled: also where others may put things into the folder, as the pin would be
// theirs to replace.
int ebs_pin(int fd, const char *what, const char *path, struct ebs_error *error);

// Why it couldn't be pinned at `path`, by errno and by what the folder is. Returns -errno.
int ebs_explain_pin(const char *what, const char *path, int number, struct ebs_error *error);

// A link that is pinned stays attached when it is freed, until the pin is removed. Only a link to
// one place can be pinned, and only one that the kernel has a descriptor for.
int ebs_link_pin(struct ebs_link *link, const char *path, struct ebs_error *error);
int ebs_link_unpin(struct ebs_link *link, struct ebs_error *error);
int ebs_program_pin(const struct ebs_program *program, const char *path, struct ebs_error *error);

// Writes what a descriptor of bpf(2) is, as /proc names it: "anon_inode:bpf-map"; "" without /proc.
void ebs_pin_name_fd(int fd, char *name, size_t size);

// What is pinned there. EBS_PIN_UNKNOWN where it can't be opened or is nothing of these.
enum ebs_pin_kind { EBS_PIN_UNKNOWN, EBS_PIN_MAP, EBS_PIN_PROGRAM, EBS_PIN_LINK };
enum ebs_pin_kind ebs_pin_kind(const char *path);

// A link that somebody has pinned.
struct ebs_pinned_link {
	int fd; // -1: closed
	char *path;
};

// Returns 0, or -errno with `error` filled. Ends with ebs_pinned_link_close().
int ebs_pinned_link_open(struct ebs_pinned_link *link, const char *path, struct ebs_error *error);
// Harmless when repeated. The program stays attached while the pin is there.
void ebs_pinned_link_close(struct ebs_pinned_link *link);
int ebs_pinned_link_unpin(struct ebs_pinned_link *link, struct ebs_error *error);

struct ebs_pinned_link_info {
	const char *kind; // "xdp", "tracing", ...; static text
	uint32_t id;      // the kernel's
	char program[16]; // its name; "" where the kernel doesn't say
	unsigned ifindex; // 0: it is attached to no interface, or to one that is gone
	bool alive;       // what it is attached to is still there
};
int ebs_pinned_link_ask(const struct ebs_pinned_link *link, struct ebs_pinned_link_info *info,
			struct ebs_error *error);

#endif
