// SPDX-License-Identifier: GPL-2.0-only
// The table of the kinds of maps.
#include "kernel/map_kinds.h"

#include <bpf/libbpf.h>

// Kinds that are newer than the oldest headers this is built with.
#define CGRP_STORAGE ((enum bpf_map_type)32)
#define ARENA        ((enum bpf_map_type)33)
#define INSN_ARRAY   ((enum bpf_map_type)34)

#define QUEUE_ABILITIES (EBS_MAP_PUSH | EBS_MAP_POP | EBS_MAP_PEEK)
#define OWNED_ABILITIES (EBS_MAP_GET | EBS_MAP_SET | EBS_MAP_DELETE)
#define SLOT_ABILITIES  (EBS_MAP_SET | EBS_MAP_DELETE)

#define NO_LIST  "the kernel keeps no list of its entries"
#define NOT_TOLD "the kernel doesn't tell what is in it"
#define OTHER_INNER \
	"the inner map must be as the outer map's inner definition says: kind, sizes, flags"
#define OTHER_SOCK "the socket is of a kind, or in a state, that this kind of map doesn't take"
#define FOREIGN    "programs of this map are for other devices, or of another kind than XDP"

static const struct ebs_map_kind kinds[] = {
	{ BPF_MAP_TYPE_HASH, "hash", EBS_MAP_ENTRIES },
	{ BPF_MAP_TYPE_ARRAY, "array", EBS_MAP_GET | EBS_MAP_SET | EBS_MAP_WALK,
	  .instead = "its entries are always there", .indexed = true },
	{ BPF_MAP_TYPE_PROG_ARRAY, "prog_array", EBS_MAP_ENTRIES, .value = EBS_VALUE_PROGRAM,
	  .invalid = "the program is of another kind than those that use the map",
	  .indexed = true },
	{ BPF_MAP_TYPE_PERF_EVENT_ARRAY, "perf_event_array", 0,
	  .instead = "object:on_event() reads what is put into it", .indexed = true },
	{ BPF_MAP_TYPE_PERCPU_HASH, "percpu_hash", EBS_MAP_ENTRIES, .per_cpu = true },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, "percpu_array", EBS_MAP_GET | EBS_MAP_SET | EBS_MAP_WALK,
	  .per_cpu = true, .instead = "its entries are always there", .indexed = true },
	{ BPF_MAP_TYPE_STACK_TRACE, "stack_trace", EBS_MAP_GET | EBS_MAP_DELETE | EBS_MAP_WALK,
	  .value = EBS_VALUE_ADDRESSES, .instead = "programs fill it by bpf_get_stackid()",
	  .indexed = true },
	{ BPF_MAP_TYPE_CGROUP_ARRAY, "cgroup_array", SLOT_ABILITIES, .value = EBS_VALUE_CGROUP,
	  .instead = NOT_TOLD, .invalid = "that is no cgroup of version 2", .indexed = true },
	{ BPF_MAP_TYPE_LRU_HASH, "lru_hash", EBS_MAP_ENTRIES },
	{ BPF_MAP_TYPE_LRU_PERCPU_HASH, "lru_percpu_hash", EBS_MAP_ENTRIES, .per_cpu = true },
	{ BPF_MAP_TYPE_LPM_TRIE, "lpm_trie", EBS_MAP_ENTRIES, .key = EBS_KEY_PREFIX,
	  .invalid = "the prefix has more bits than the key" },
	{ BPF_MAP_TYPE_ARRAY_OF_MAPS, "array_of_maps", EBS_MAP_ENTRIES, .value = EBS_VALUE_MAP,
	  .invalid = OTHER_INNER, .indexed = true },
	{ BPF_MAP_TYPE_HASH_OF_MAPS, "hash_of_maps", EBS_MAP_ENTRIES, .value = EBS_VALUE_MAP,
	  .invalid = OTHER_INNER },
	{ BPF_MAP_TYPE_DEVMAP, "devmap", EBS_MAP_ENTRIES, .value = EBS_VALUE_DEVICE,
	  .invalid = "there is no such network interface, or the program is none of "
		     "SEC(\"xdp/devmap\")",
	  .indexed = true },
	{ BPF_MAP_TYPE_SOCKMAP, "sockmap", EBS_MAP_ENTRIES, .value = EBS_VALUE_SOCKET,
	  .invalid = OTHER_SOCK, .indexed = true },
	{ BPF_MAP_TYPE_CPUMAP, "cpumap", EBS_MAP_ENTRIES, .value = EBS_VALUE_CPU,
	  .invalid = "a queue has at most 16384 places, and the program must be of "
		     "SEC(\"xdp/cpumap\")",
	  .indexed = true },
	{ BPF_MAP_TYPE_XSKMAP, "xskmap", SLOT_ABILITIES, .value = EBS_VALUE_SOCKET,
	  .instead = NOT_TOLD, .invalid = "that is no AF_XDP socket", .indexed = true },
	{ BPF_MAP_TYPE_SOCKHASH, "sockhash", EBS_MAP_ENTRIES, .value = EBS_VALUE_SOCKET,
	  .invalid = OTHER_SOCK },
	{ BPF_MAP_TYPE_CGROUP_STORAGE, "cgroup_storage", EBS_MAP_GET | EBS_MAP_SET | EBS_MAP_WALK,
	  .instead = "its entries come and go with the cgroups that its program is attached to" },
	{ BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, "reuseport_sockarray", EBS_MAP_ENTRIES,
	  .value = EBS_VALUE_SOCKET, .invalid = "the socket needs SO_REUSEPORT and an address",
	  .indexed = true },
	{ BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, "percpu_cgroup_storage",
	  EBS_MAP_GET | EBS_MAP_SET | EBS_MAP_WALK, .per_cpu = true,
	  .instead = "its entries come and go with the cgroups that its program is attached to" },
	{ BPF_MAP_TYPE_QUEUE, "queue", QUEUE_ABILITIES },
	{ BPF_MAP_TYPE_STACK, "stack", QUEUE_ABILITIES },
	{ BPF_MAP_TYPE_SK_STORAGE, "sk_storage", OWNED_ABILITIES, .key = EBS_KEY_SOCKET,
	  .instead = NO_LIST, .invalid = "the descriptor of the key is no socket" },
	{ BPF_MAP_TYPE_DEVMAP_HASH, "devmap_hash", EBS_MAP_ENTRIES, .value = EBS_VALUE_DEVICE,
	  .invalid = "there is no such network interface, or the program is none of "
		     "SEC(\"xdp/devmap\")",
	  .indexed = true },
	{ BPF_MAP_TYPE_STRUCT_OPS, "struct_ops", EBS_MAP_GET, .value = EBS_VALUE_STATE,
	  .instead = "it is only read, by get(0)", .indexed = true },
	{ BPF_MAP_TYPE_RINGBUF, "ringbuf", 0,
	  .instead = "object:on_event() reads what is put into it" },
	{ BPF_MAP_TYPE_INODE_STORAGE, "inode_storage", OWNED_ABILITIES, .key = EBS_KEY_FILE,
	  .instead = NO_LIST, .invalid = "the descriptor of the key is no file" },
	{ BPF_MAP_TYPE_TASK_STORAGE, "task_storage", OWNED_ABILITIES, .key = EBS_KEY_TASK,
	  .instead = NO_LIST, .invalid = "the descriptor of the key is none of a process" },
	{ BPF_MAP_TYPE_BLOOM_FILTER, "bloom_filter", EBS_MAP_PUSH | EBS_MAP_CONTAINS },
	{ BPF_MAP_TYPE_USER_RINGBUF, "user_ringbuf", EBS_MAP_SUBMIT,
	  .instead = "it carries what a script submits to programs" },
	{ CGRP_STORAGE, "cgrp_storage", OWNED_ABILITIES, .key = EBS_KEY_CGROUP, .instead = NO_LIST,
	  .invalid = "that is no cgroup of version 2" },
	{ ARENA, "arena", 0, .instead = "it is memory, which only programs see" },
	{ INSN_ARRAY, "insn_array", EBS_MAP_GET | EBS_MAP_WALK,
	  .instead = "libbpf fills it with places in a program", .indexed = true },
};

static const struct ebs_map_kind unknown = { BPF_MAP_TYPE_UNSPEC, "unknown", EBS_MAP_ENTRIES };

const struct ebs_map_kind *ebs_map_kind(uint32_t type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return &unknown;
}

bool ebs_map_kind_is_known(uint32_t type)
{
	return libbpf_bpf_map_type_str(type) != NULL;
}

const char *ebs_map_ability_name(enum ebs_map_ability ability)
{
	switch (ability) {
	case EBS_MAP_GET:
		return "get()";
	case EBS_MAP_SET:
		return "set()";
	case EBS_MAP_DELETE:
		return "delete()";
	case EBS_MAP_WALK:
		return "pairs()";
	case EBS_MAP_PUSH:
		return "push()";
	case EBS_MAP_POP:
		return "pop()";
	case EBS_MAP_PEEK:
		return "peek()";
	case EBS_MAP_CONTAINS:
		return "contains()";
	case EBS_MAP_SUBMIT:
		return "submit()";
	}
	return "such method";
}

const char *ebs_map_kind_key(const struct ebs_map_kind *kind, uint32_t size)
{
	return kind->indexed && size == 4 ? "u32" : NULL;
}

const char *ebs_map_kind_value(const struct ebs_map_kind *kind, uint32_t size)
{
	switch (kind->value) {
	case EBS_VALUE_DEVICE:
		return size == 8 ? "struct bpf_devmap_val" : "u32";
	case EBS_VALUE_CPU:
		return size == 8 ? "struct bpf_cpumap_val" : "u32";
	case EBS_VALUE_SOCKET:
		return size == 8 ? "u64" : "u32";
	case EBS_VALUE_MAP:
	case EBS_VALUE_PROGRAM:
	case EBS_VALUE_CGROUP:
		return "u32";
	case EBS_VALUE_PLAIN:
	case EBS_VALUE_ADDRESSES:
	case EBS_VALUE_STATE:
		break;
	}
	return NULL;
}
