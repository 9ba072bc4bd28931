-- SPDX-License-Identifier: GPL-2.0-only
-- Kinds of maps whose entries are plain values: what works, what it gives, what it refuses.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local SOURCE = [[
#include "ebscript.bpf.h"
#include "maps.bpf.h"

struct prefix {
	u32 prefixlen;
	u8 data[4];
};

struct stats {
	u32 packets;
	char note[12];
};

#define TRIE(name, k)                                              \
	struct {                                                   \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);               \
		__uint(map_flags, BPF_F_NO_PREALLOC);              \
		__uint(max_entries, 4);                            \
		k;                                                 \
		__type(value, u32);                                \
	} name SEC(".maps")
MAP(hash, HASH, 4, u32, struct stats);
MAP(flows, HASH, 1000, struct prefix, u64);
MAP(lru, LRU_HASH, 64, u32, u64);
MAP(percpu, PERCPU_HASH, 4, u32, u64);
MAP(lru_percpu, LRU_PERCPU_HASH, 64, u32, u64);
MAP(array, ARRAY, 4, u32, u64);
RAW(raw_array, ARRAY, 2, 4, 8);
MAP(percpu_array, PERCPU_ARRAY, 2, u32, u64);
TRIE(trie, __type(key, struct prefix));
TRIE(trie6, __uint(key_size, 20));
RAW(queue, QUEUE, 3, 0, 4);

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 3);
	__type(value, struct stats);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 1000);
	__uint(map_extra, 5);
	__type(value, struct prefix);
} bloom SEC(".maps");
]]

local object <close> = assert(bpf.load({ source = SOURCE }))

local function count(map)
    local n = 0
    for _ in pairs(map) do
        n = n + 1
    end
    return n
end

local function sequence(n, value)
    local values = {}
    for i = 1, n do
        values[i] = value
    end
    return values
end

for _, name in ipairs({ "hash", "lru", "percpu", "lru_percpu" }) do
    tap.test("set with flags: " .. name, function()
        local map = object:map(name)
        local cpus = name:find("percpu") and #object:map("percpu_array"):get(0)
        local function value(n)
            if name == "hash" then
                return { packets = n, note = "" }
            end
            return cpus and sequence(cpus, n) or n
        end
        tap.fails("ENOENT", "the key is not in it", map:set(1, value(1), "exist"))
        tap.equal(map:set(1, value(2), "noexist"), true)
        tap.fails("EEXIST", "the key is in it already", map:set(1, value(3), "noexist"))
        tap.equal(map:get(1), value(2))
        tap.equal(map:set(1, value(4), "exist"), true)
        tap.equal(map:set(1, value(5), "any"), true)
        tap.equal(map:get(1), value(5))
        tap.raises(function()
            map:set(1, value(5), "never")
        end, "invalid option 'never'")
        tap.equal(map:delete(1), true)
    end)
end

tap.test("set with flags: arrays", function()
    for _, name in ipairs({ "array", "percpu_array" }) do
        local map = object:map(name)
        local value = name == "array" and 9 or sequence(#map:get(0), 9)
        tap.fails("EEXIST", "the key is in it already", map:set(1, value, "noexist"))
        tap.equal(map:set(1, value, "exist"), true)
        tap.equal(map:get(1), value)
        tap.fails("E2BIG", "entries at most", map:set(4, value))
        tap.raises(function()
            map:delete(1)
        end, "has no delete%(%): it has get%(%), set%(%), pairs%(%); its entries are always there")
    end
    local raw = object:map("raw_array")
    tap.equal(raw:set(1, "12345678"), true)
    tap.equal(raw:get(1), "12345678")
    tap.raises(function()
        raw:set(1, "1234")
    end, "value: a string of 8 bytes expected, got 4")
    tap.raises(function()
        raw:set(1, 5)
    end, "value: a string of 8 bytes expected, got number")
end)

tap.test("update of many", function()
    local map = object:map("flows")
    local many = {}
    for i = 1, 1000 do
        many[{ prefixlen = i, data = "\1\2\3\4" }] = i
    end
    tap.equal(map:update(many), true)
    tap.equal(count(map), 1000)
    tap.equal(map:get({ prefixlen = 1000, data = "\1\2\3\4" }), 1000)
    tap.fails("E2BIG", "1000 entries at most %(0 of 1 entries were written%)", map:update({
        [{ prefixlen = 1, data = "\0\0\0\0" }] = 1,
    }))
    tap.equal(map:update({}), true)

    local small = object:map("hash")
    local five = {}
    for i = 1, 5 do
        five[i] = { packets = i }
    end
    tap.fails("E2BIG", "4 entries at most %(4 of 5 entries were written%)", small:update(five))
    tap.equal(count(small), 4)
    local _, _, code = small:update(five, "noexist")
    tap.ok(code == "EEXIST" or code == "E2BIG", code)
    five[5] = nil
    tap.equal(small:update(five, "exist"), true)
    tap.raises(function()
        small:update({ [1] = { packets = 77 }, [2] = { packets = -1 } })
    end, "value%.packets: %-1 doesn't fit")
    tap.equal(small:get(1), { packets = 1, note = "" }, "nothing is written of what raises")
    tap.raises(function()
        small:update({ x = {} })
    end, "key: an integer expected")
    tap.raises(function()
        small:update(7)
    end, "table expected")
    for _ in small:drain() do end

    local cpus = #object:map("percpu_array"):get(0)
    local percpu = object:map("percpu")
    tap.equal(percpu:update({ sequence(cpus, 10), sequence(cpus, 20) }), true)
    tap.equal(percpu:get(2), sequence(cpus, 20))
    tap.equal(object:map("array"):update({ [0] = 5, 6, 7, 8 }), true)
    tap.equal(object:map("array"):get(3), 8)
    tap.fails("E2BIG", "4 entries at most", object:map("array"):update({ [0] = 5, [4] = 6 }))
end)

tap.test("an LPM trie by table and by text", function()
    local map = object:map("trie")
    tap.equal(map:set("10.0.0.0/8", 1), true)
    tap.equal(map:set({ prefixlen = 16, data = "\10\1\0\0" }, 2), true)
    tap.equal(map:set("0.0.0.0/0", 3), true)
    tap.equal(map:get("10.1.2.3"), 2, "the longest prefix of an address")
    tap.equal(map:get("10.2.0.0/24"), 1)
    tap.equal(map:get("192.168.0.1"), 3)
    tap.equal(map:delete("0.0.0.0/0"), true)
    tap.equal(map:delete("0.0.0.0/0"), false)
    tap.equal(map:get("192.168.0.1"), nil)
    local seen = {}
    for key, value in pairs(map) do
        seen[bpf.inet_ntop(key.data) .. "/" .. key.prefixlen] = value
    end
    tap.equal(seen, { ["10.0.0.0/8"] = 1, ["10.1.0.0/16"] = 2 })
    tap.fails("EEXIST", "in it already", map:set("10.0.0.0/8", 1, "noexist"))
    tap.equal(map:update({ ["1.0.0.0/8"] = 4, ["2.0.0.0/8"] = 5 }), true)
    tap.fails("ENOSPC", "4 entries at most", map:set("3.0.0.0/8", 6))
    tap.fails("EINVAL", "more bits than the key", map:set({ prefixlen = 33 }, 6))
    local wrongs = { "10.0.0/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "fd00::/8", "" }
    for _, wrong in ipairs(wrongs) do
        tap.raises(function()
            map:get(wrong)
        end, "is no prefix of IPv4 addresses: ADDRESS/BITS")
    end
    local map6 = object:map("trie6")
    tap.equal(map6:set("fd00::/8", 1), true)
    tap.equal(map6:set(string.pack("<I4", 128) .. bpf.inet_pton("fd00::1"), 2), true)
    tap.equal(map6:get("fd00::1"), 2)
    tap.equal(map6:get("fd00::2"), 1)
    tap.raises(function()
        map6:get("10.0.0.0/8")
    end, "no prefix of IPv6 addresses")
    tap.raises(function()
        map6:get("\0\0\0\0")
    end, "key: a string of 20 bytes expected, got 4")
end)

tap.test("queues and stacks", function()
    local queue, stack = object:map("queue"), object:map("stack")
    tap.equal(queue:pop(), nil)
    tap.equal(select("#", queue:peek()), 1)
    for _, text in ipairs({ "aaaa", "bbbb", "cccc" }) do
        tap.equal(queue:push(text), true)
    end
    tap.fails("E2BIG", "can't push into map \"queue\": it holds 3 entries", queue:push("dddd"))
    tap.equal(queue:peek(), "aaaa")
    tap.equal(queue:push("dddd", "exist"), true)
    tap.equal({ queue:pop(), queue:pop(), queue:pop(), queue:pop() }, { "bbbb", "cccc", "dddd" })
    for i = 1, 3 do
        tap.equal(stack:push({ packets = i, note = "n" .. i }), true)
    end
    tap.equal(stack:peek(), { packets = 3, note = "n3" })
    tap.equal(stack:pop().packets, 3)
    tap.equal(stack:pop().packets, 2)
    tap.equal(stack:pop().packets, 1)
    tap.equal(stack:pop(), nil)
    tap.raises(function()
        stack:push({ packet = 1 })
    end, 'no field "packet"')
    tap.raises(function()
        stack:push({ packets = 1 }, "noexist")
    end, "invalid option 'noexist'")
    for _, method in ipairs({ "get", "set", "delete", "pairs", "drain", "update", "contains" }) do
        tap.raises(function()
            queue[method](queue, {}, "aaaa")
        end, "map 'queue' %(queue%) has no %l+%(%): it has push%(%), pop%(%), peek%(%)")
    end
end)

tap.test("bloom filters", function()
    local bloom = object:map("bloom")
    local inside, outside = { prefixlen = 1, data = "abcd" }, { prefixlen = 2, data = "abcd" }
    tap.equal(bloom:contains(inside), false)
    tap.equal(bloom:push(inside), true)
    tap.equal(bloom:contains(inside), true)
    tap.equal(bloom:contains(outside), false)
    tap.raises(function()
        bloom:get(inside)
    end, "map 'bloom' %(bloom_filter%) has no get%(%): it has push%(%), contains%(%)")
    tap.raises(function()
        bloom:pop()
    end, "has no pop%(%)")
end)

tap.test("map_extra of kinds that take none, or another", function()
    for kind, row in pairs({
        HASH = { 5, "has map_extra 5, which for a map of kind hash must be left out" },
        LRU_HASH = { 1, "map of kind lru_hash must be left out" },
        BLOOM_FILTER = { 16, "map_extra 16, .* hash functions, 1 to 15" },
    }) do
        local key = kind == "BLOOM_FILTER" and "" or "__type(key, u32);"
        local source = '#include "ebscript.bpf.h"\n'
            .. ("struct { __uint(type, BPF_MAP_TYPE_%s); %s"):format(kind, key)
            .. "__uint(max_entries, 8); __type(value, u64);"
            .. ('__uint(map_extra, %d); } m SEC(".maps");'):format(row[1])
        tap.fails("EINVAL", row[2], bpf.load({ source = source }))
    end
end)

tap.done()
