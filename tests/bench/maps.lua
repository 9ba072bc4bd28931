-- SPDX-License-Identifier: GPL-2.0-only
-- ebscript's rows of `bench maps`. It makes the maps; the other programs open them too.
local bpf = require("bpf")
local entries = tonumber(arg[1])

local object <close> = assert(bpf.load({
    source = [[
#include "ebscript.bpf.h"

struct value {
	u64 count;
	u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ENTRIES);
	__type(key, u64);
	__type(value, struct value);
} bench_hash SEC(".maps");

// One more, so that the other programs can tell which is which.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ENTRIES + 1);
	__type(key, u64);
	__type(value, struct value);
} bench_drained SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ENTRIES);
	__type(key, u32);
	__type(value, struct value);
} bench_array SEC(".maps");
]],
    defines = { ENTRIES = entries },
}))
local hash, array = object:map("bench_hash"), object:map("bench_array")
local drained = object:map("bench_drained")

-- A loop by fields, or with the value as a whole.
local function by_fields(loop, map)
    local turns, sum = 0, 0
    for _, count in loop(map, "count", "bytes") do
        sum = sum + count
        turns = turns + 1
    end
    return turns, sum
end

local function by_views(map)
    local turns, sum = 0, 0
    for _, value in pairs(map) do
        sum = sum + value.count
        turns = turns + 1
    end
    return turns, sum
end

local commands = {
    ["ready"] = function() return 0, 0 end,
    ["fields"] = function() return by_fields(hash.pairs, hash) end,
    ["views"] = function() return by_views(hash) end,
    ["drain"] = function() return by_fields(drained.drain, drained) end,
    ["top"] = function() return select(2, hash:top(20, "count")) end,
    ["array fields"] = function() return by_fields(array.pairs, array) end,
    ["array views"] = function() return by_views(array) end,
}

for line in io.lines() do
    collectgarbage()
    local start = bpf.ktime_get_ns()
    local turns, sum = commands[line]()
    print(turns, bpf.ktime_get_ns() - start, sum)
    io.stdout:flush()
end
