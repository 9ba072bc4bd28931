// SPDX-License-Identifier: GPL-2.0-only
// The kinds of maps as data: what each can do, and what its keys and values stand for.
#ifndef EBS_KERNEL_MAP_KINDS_H
#define EBS_KERNEL_MAP_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What can be done with a map's entries, one bit each.
enum ebs_map_ability {
	EBS_MAP_GET = 1 << 0,
	EBS_MAP_SET = 1 << 1,
	EBS_MAP_DELETE = 1 << 2,
	EBS_MAP_WALK = 1 << 3, // over all entries
	EBS_MAP_PUSH = 1 << 4,
	EBS_MAP_POP = 1 << 5,
	EBS_MAP_PEEK = 1 << 6,
	EBS_MAP_CONTAINS = 1 << 7,
	EBS_MAP_SUBMIT = 1 << 8,
};
#define EBS_MAP_ENTRIES (EBS_MAP_GET | EBS_MAP_SET | EBS_MAP_DELETE | EBS_MAP_WALK)

enum ebs_key_form {
	EBS_KEY_PLAIN,
	EBS_KEY_PREFIX, // of an LPM trie: a u32 with the number of bits, then the bytes
	EBS_KEY_TASK,   // from here on the key is a descriptor, of what the entry belongs to
	EBS_KEY_CGROUP,
	EBS_KEY_FILE,
	EBS_KEY_SOCKET,
};

enum ebs_value_form {
	EBS_VALUE_PLAIN,
	EBS_VALUE_MAP, // written as a descriptor, read as an id; so are programs
	EBS_VALUE_PROGRAM,
	EBS_VALUE_CGROUP,    // a descriptor, never read
	EBS_VALUE_SOCKET,    // written as a descriptor, read as a cookie
	EBS_VALUE_DEVICE,    // a network interface, with or without a program
	EBS_VALUE_CPU,       // the length of a CPU's queue, with or without a program
	EBS_VALUE_ADDRESSES, // of a stack, up to the first 0
	EBS_VALUE_STATE,     // of struct_ops
};

struct ebs_map_kind {
	uint32_t type;    // BPF_MAP_TYPE_*
	const char *name; // the kernel's, in lower case
	unsigned abilities;
	bool indexed; // the key is a 32-bit number, whatever the C says
	bool per_cpu; // an entry has a value for each CPU
	enum ebs_key_form key;
	enum ebs_value_form value;
	const char *instead; // for messages: what to do where an ability is missing; may be NULL
	const char *invalid; // for messages: what EINVAL or EBADF means when an entry is set
};

// Never NULL: a kind that is not in the table is taken for one with plain entries.
const struct ebs_map_kind *ebs_map_kind(uint32_t type);

// Does the libbpf that runs know the kind?
bool ebs_map_kind_is_known(uint32_t type);

// The method of bpf.Map that needs the ability: "get()".
const char *ebs_map_ability_name(enum ebs_map_ability ability);

// The built-in types (types/builtin.h) of keys and values, where the kernel itself prescribes them,
// else NULL. Of keys the C may say more, of values it may not.
const char *ebs_map_kind_key(const struct ebs_map_kind *kind, uint32_t size);
const char *ebs_map_kind_value(const struct ebs_map_kind *kind, uint32_t size);

#endif
