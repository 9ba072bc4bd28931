// SPDX-License-Identifier: GPL-2.0-only
// A map in a line, for tests that need many: of typed keys and values, and of sizes alone.
#ifndef EBS_TESTS_MAPS_BPF_H
#define EBS_TESTS_MAPS_BPF_H

#define MAP(name, kind, n, k, v)                   \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_##kind); \
		__uint(max_entries, n);            \
		__type(key, k);                    \
		__type(value, v);                  \
	} name SEC(".maps")

#define RAW(name, kind, n, k, v)                   \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_##kind); \
		__uint(max_entries, n);            \
		__uint(key_size, k);               \
		__uint(value_size, v);             \
	} name SEC(".maps")

#endif
